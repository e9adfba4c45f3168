# A configuration as it was written in November 2017: model of stable beams, both energies, an
# angle for each experiment, numbers made with numpy.
import os
import numpy as np

hour                    = 3600.
first_fill              = 5695
last_fill               = 6417 +1
periods                 = {'A': (first_fill, 6055), 'B': (6055, last_fill)}

# folders and files
input_folder            = "/afs/cern.ch/work/l/lumimod/followup_2017/"
working_folder          = os.path.join(input_folder, "")
data_folder             = "/eos/project/l/lumimod/data_2017/"
stableBeams_folder      = working_folder+"SB_analysis/"
fill_dir                = "fill_<FILLNUMBER>/"
plot_dir                = "plots/"
SB_filename             = "fill_<FILLNUMBER><RESC>.pkl.gz"
SB_fits_filename        = "fill_<FILLNUMBER>_fits<RESC>.pkl.gz"
SB_model_filename       = "fill_<FILLNUMBER>_sbmodel<RESC>.pkl.gz"
Cycle_filename          = "fill_<FILLNUMBER>_cycle<RESC>.pkl.gz"
Cycle_model_filename    = "fill_<FILLNUMBER>_cycle_model<RESC>.pkl.gz"
Lumi_filename           = "fill_<FILLNUMBER>_lumi_calc<RESC>.pkl.gz"
Massi_filename          = 'fill_<FILLNUMBER>_lumi_meas.pkl.gz'
makedirs                = True
overwriteFiles          = False
saveDict                = True
savePandas              = False

# Massi
massi_file_database     = working_folder+"fill_db.yaml"
massi_year              = 2017
massi_afs_path          = '/afs/cern.ch/user/l/lpc/w0/<YEAR>/measurements/'
massi_exp_folders       = ['ATLAS/lumi/', 'CMS/lumi/']
massi_bunch_lumi_scale  = 1.0e34

# inputs
BASIC_DATA_FILE         = data_folder+'fill_basic_data_csvs/basic_data_fill_<FILLNUMBER>.csv'
BASIC_CROSSING_FILE     = data_folder+'fill_crossing_data_csvs/crossing_angle_fill_<FILLNUMBER>.csv'
BBB_DATA_FILE           = data_folder+'fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_<FILLNUMBER>.csv'
BBB_LUMI_DATA_FILE      = data_folder+'fill_bunchbybunch_data_csvs/bunchbybunch_lumi_data_fill_<FILLNUMBER>.csv'
fills_bmodes_file       = data_folder+'fills_and_bmodes.pkl'

# BSRT
enable_smoothing_BSRT   = True
avg_time_smoothing      = 3*hour
doRescale               = False
resc_period             = [('A', 'A'), ('B', 'B')]
add_resc_string         = ''

# stable beams and their model
min_time_SB             = 5*60
t_step_sec              = 5*60
intensity_threshold     = 3.0e10
t_fit_length            = 2*hour
doSBModel               = True
models                  = ['EmpiricalBlowupLosses', 'EmpiricalBlowupBOff', 'IBSBOff', 'IBSLosses']
cases                   = [1, 2]
correction_factor_1h    = [1., 0.9]
correction_factor_2h    = [1., 0.95]
correction_factor_1v    = np.array([1, 1.1])
correction_factor_2v    = [1., 1.05]

# machine
frev                    = 11245.5
gammaFT                 = 6927.64
gammaFB                 = 479.6
tauSRxy_FT              = 64.7*hour
tauSRxy_FB              = np.inf
tauSRl_FT               = np.float64(32.35)*hour
VRF_FT                  = 10.e6
VRF_FB                  = 6.e6
betastar_m              = 0.40
sigmaBOff_m2            = 80e-31
sigma_el_m2             = 29.7e-31
crossingAngleChange     = True
XingAngle               = {
                            (first_fill, 6055) : [2*150e-6, 2*150e-6],
                            (6055, last_fill)  : [2*150e-6, 2*145e-6],
                          }

# plots
doAllPlots              = False
doCyclePlots            = True
doCycleModelPlots       = True
doSBPlots               = True
doSBModelPlots          = True
doSummaryPlots          = False
savePlots               = True
makePlotTarball         = False
fig_tuple               = (17, 10)
plotFormat              = ".png"
plotDpi                 = 300
myfontsize              = 16
n_skip                  = 1

# log, batch
FORMAT                  = '%(asctime)s %(levelname)s : %(message)s'
htcondor_sub 			= """universe   = vanilla
getenv     = True
should_transfer_files = YES
executable = <EXE>
transfer_input_files = config.py
output     = <OUT>
error      = <ERR>
log        = <LOG>
queue
"""

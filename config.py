# Settings of the luminosity follow-up. Plain Python: edit the values, keep the names.
# A name that is left out takes the value it has here, but for doSBModel (then False).
# In templates <FILLNUMBER> stands for the fill, <RESC> for the rescaling of the BSRT, if any.
# Folders are relative to where the program is started; `~` is the home folder.


# --- Fills and periods ---
first_fill              = 5695      # first fill to look at
last_fill               = 7001      # last fill to look at
min_time_SB             = 5*60      # shortest stable beams of a fill [s]
periods                 = {         # name: (first fill, first fill after it)
                            'A': (first_fill, last_fill + 1),
                          }


# --- Folders ---
input_folder            = "./"                              # where the inputs are
working_folder          = "./"                              # where the results go
data_folder             = input_folder + "data/"            # data from the logging service
stableBeams_folder      = working_folder + "SB_analysis/"   # one folder per fill in it
fill_dir                = "fill_<FILLNUMBER>/"              # folder of a fill
plot_dir                = "plots/"                          # folder of its plots, in fill_dir


# --- Results, in fill_dir ---
SB_filename             = "fill_<FILLNUMBER><RESC>.pkl.gz"                  # stable beams
SB_fits_filename        = "fill_<FILLNUMBER>_fits<RESC>.pkl.gz"             # exponential fits
SB_model_filename       = "fill_<FILLNUMBER>_sbmodel<RESC>.pkl.gz"          # model; "_caseC" is put behind sbmodel
SB_burnoff_filename     = "fill_<FILLNUMBER>_sigma_burnoff<RESC>.pkl.gz"    # not written; kept for older files
Cycle_filename          = "fill_<FILLNUMBER>_cycle<RESC>.pkl.gz"            # injection to stable beams
Cycle_model_filename    = "fill_<FILLNUMBER>_cycle_model<RESC>.pkl.gz"      # the same, modelled
Lumi_filename           = "fill_<FILLNUMBER>_lumi_calc<RESC>.pkl.gz"        # calculated luminosity
Massi_filename          = 'fill_<FILLNUMBER>_lumi_meas.pkl.gz'              # measured luminosity
makedirs                = True      # create folders that are missing
overwriteFiles          = False     # no effect: a step that runs always replaces its results (--force)
saveDict                = True      # save results as dictionaries of arrays
savePandas              = False     # save results as pandas DataFrames too


# --- Inputs (.csv, .csv.gz, .parquet or .h5: any of them is found whichever is named here; ---
# --- for the Parquet tree of Run 3 the folder of the fill, .../HX:FILLN=<FILLNUMBER>)      ---
BASIC_DATA_FILE         = data_folder + 'fill_basic_data_csvs/basic_data_fill_<FILLNUMBER>.csv'
BBB_DATA_FILE           = data_folder + 'fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_<FILLNUMBER>.csv'
BASIC_CROSSING_FILE     = data_folder + 'fill_crossing_data_csvs/crossing_angle_fill_<FILLNUMBER>.csv'              # if absent: XingAngle
BBB_LUMI_DATA_FILE      = data_folder + 'fill_bunchbybunch_lumi_data_csvs/bunchbybunch_lumi_data_fill_<FILLNUMBER>.csv'  # used for want of Massi files
EXTRA_DATA_FILE         = data_folder + 'fill_extra_data_csvs/extra_data_fill_<FILLNUMBER>.csv'                     # tunes, beta*, ...; used for betastar_m = "measured"
variable_names          = {}                                                # other names of variables, e.g. {'energy_b1': 'MY:ENERGY'}; quantities as in lumimod/data/variables.json
fills_bmodes_file       = data_folder + 'fills_and_bmodes.pkl'              # beam modes of all fills
data_source             = 'pytimber'                                        # where Utilities/000 to 001e and getData.py get data: 'pytimber' (NXCALS), 'folder' or 'simulated'
data_source_folder      = input_folder + "incoming/"                        # files for 'folder', at any depth: CSV, HDF5, Parquet, and fills_and_bmodes.pkl


# --- Massi files ---
massi_afs_path          = data_folder + "massi/<YEAR>/measurements/"        # at CERN: '/afs/cern.ch/user/l/lpc/w0/<YEAR>/measurements/'
massi_year              = 2017                                              # put in for <YEAR>
massi_exp_folders       = ['ATLAS/lumi/', 'CMS/lumi/']                      # folders of archives, in massi_afs_path
massi_file_database     = working_folder + "SB_analysis/fill_db.yaml"       # archives seen, with their dates
massi_bunch_lumi_scale  = 1.0e34                                            # from the archives' Hz/ub to 1/(m^2 s)


# --- BSRT (beam sizes) ---
enable_smoothing_BSRT   = True              # smooth the emittances in time
avg_time_smoothing      = 3.0*3600.0        # window of the smoothing [s]
doRescale               = False             # calibrate fills of one period as if of another
resc_period             = [('A', 'A')]      # (from, to), names of `periods`
add_resc_string         = ''                # put into the names of rescaled results
bsrt_calibration_file   = None              # calibration (JSON); None: the one of 2017 in the package


# --- Stable beams ---
t_step_sec              = 5*60              # time step [s]
intensity_threshold     = 3.0e10            # bunches that never reach it are left out [protons]
t_fit_length            = 2.0*3600.0        # length of the fits at the start of stable beams [s]


# --- Model of stable beams ---
doSBModel               = True              # run the model
models                  = ['EmpiricalBlowupLosses',     # intensity and emittances as measured
                           'EmpiricalBlowupBOff',       # emittances as measured, intensity burns off
                           'IBSBOff',                   # all modelled
                           'IBSLosses',                 # intensity as measured
                           'EmpiricalblengthLosses']    # intensity and bunch length as measured
cases                   = [1]               # one model file for each; the factors below belong to them
correction_factor_1h    = [1.0]             # on the initial emittance, beam 1 horizontal
correction_factor_1v    = [1.0]             # beam 1 vertical
correction_factor_2h    = [1.0]             # beam 2 horizontal
correction_factor_2v    = [1.0]             # beam 2 vertical
leveling                = {5439: 8e37,      # fill: total luminosity it was levelled at [1/(m^2 s)]
                           5450: 8e37}


# --- Machine (FT: flat top, FB: flat bottom) ---
frev                    = 11245.5           # revolution frequency [Hz]
gammaFT                 = 6927.64           # Lorentz factor, 6.5 TeV (6.8 TeV: 7247.4)
gammaFB                 = 479.6             # Lorentz factor, 450 GeV
tauSRxy_FT              = 64.7*3600         # synchrotron-radiation damping time, both planes [s]
tauSRxy_FB              = float('inf')      # the same at flat bottom [s]
tauSRl_FT               = 32.35*3600        # damping time, longitudinal [s]
VRF_FT                  = 12.0e6            # RF voltage [V]
VRF_FB                  = 6.0e6             # RF voltage [V]
betastar_m              = 0.30              # beta function at IP1 and IP5 [m]; or {(first fill, first fill after): 0.3 or [IP1, IP5]}, or "measured"
sigmaBOff_m2            = 80e-31            # burn-off cross section [m^2]
sigma_el_m2             = 29.7e-31          # elastic cross section [m^2]
crossing_planes         = {}                # plane of the crossing, e.g. {1: 'v', 5: 'h'}; left out: that of the period, or the larger angle if both are logged
crossingAngleChange     = True              # no effect, kept for older files: XingAngle tells the angles
XingAngle               = {                 # (first fill, first fill after): full angles [IP1, IP5] [rad]
                            (5695, 6055)    : [300e-6, 300e-6],
                            (6055, 7001+1)  : [300e-6, 300e-6],
                          }


# --- Pictures (drawn after the steps; --plots draws alone, --no-plots nothing) ---
doAllPlots              = False             # all of the following
doCyclePlots            = False             # injection to stable beams
doCycleModelPlots       = False             # the same, modelled
doSBPlots               = False             # stable beams
doSBModelPlots          = False             # model of stable beams
doSummaryPlots          = False             # no effect yet
savePlots               = True              # False: nothing is drawn
makePlotTarball         = False             # pack a fill's plots into one archive
fig_tuple               = (15, 7)           # width and height [inch]
plotFormat              = ".png"            # .png, .pdf or .svg
plotDpi                 = 150               # resolution [dots/inch]
myfontsize              = 16                # font size [points]
n_skip                  = 1                 # draw every n-th time step


# --- Log ---
FORMAT                  = '%(asctime)s %(levelname)s : %(message)s'     # a line of the log


# --- HTCondor (<EXE> <OUT> <ERR> <LOG> are put in for each job) ---
htcondor_sub            = """\
universe   = vanilla
executable = <EXE>
output     = <OUT>
error      = <ERR>
log        = <LOG>
getenv     = True
queue
"""

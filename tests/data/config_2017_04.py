# A configuration in the form of April 2017: fills of 2016, one Lorentz factor, one crossing angle
# for both experiments, no model of stable beams.

# Machine
frev = 11245.5
gamma = 6927.64
betastar_m = 0.40

# Fills
first_fill = 5005
last_fill = 5456 +1
periods = {'A': (first_fill, 5200), 'B': (5200, 5400), 'C': (5400, last_fill)}
crossingAngleChange = True
XingAngle = {(first_fill, 5300): 2*180e-6, (5300, last_fill): 2*145e-6}

# Stable beams
min_time_SB = 20*60
t_step_sec = 10*60
intensity_threshold = 2.5e10
enable_smoothing_BSRT = True
avg_time_smoothing = 2.5*3600.
doRescale = True
resc_period = [('A', 'A'), ('B', 'C'), ('C', 'C')]
add_resc_string = 'to'

# Folders
input_folder = "/afs/cern.ch/work/l/lumimod/followup_2016/"
output_folder = ""
working_folder = input_folder
data_folder = input_folder+"csv/"
stableBeams_folder = working_folder+"SB_analysis/"
BASIC_DATA_FILE = data_folder+'basic/basic_data_fill_<FILLNUMBER>.csv'
BBB_DATA_FILE = data_folder+'bbb/bunchbybunch_data_fill_<FILLNUMBER>.csv'
fills_bmodes_file = data_folder+'fills_and_bmodes.pkl'

# Results
fill_dir = "fill_<FILLNUMBER>/"
plot_dir = "plots/"
SB_filename = "fill_<FILLNUMBER><RESC>.pkl.gz"
Cycle_filename = "fill_<FILLNUMBER>_cycle<RESC>.pkl.gz"
Lumi_filename = "fill_<FILLNUMBER>_lumi_calc<RESC>.pkl.gz"
Massi_filename = 'fill_<FILLNUMBER>_lumi_meas.pkl.gz'
makedirs = True
overwriteFiles = False
saveDict, savePandas = True, True

# Massi
massi_year = 2016
massi_afs_path = '/afs/cern.ch/user/l/lpc/w0/<YEAR>/measurements/'
massi_exp_folders = ['ATLAS/lumi/', 'CMS/lumi/']
massi_file_database = working_folder+"db/fill_db.yaml"
massi_bunch_lumi_scale = 1e34

# Plots, log, batch
doAllPlots = doCyclePlots = doSummaryPlots = True
doSBPlots = False
savePlots = True
makePlotTarball = False
fig_tuple = (15, 7)
plotFormat = ".pdf"
plotDpi = 300
myfontsize = 16
n_skip = 1
FORMAT = '%(asctime)s %(levelname)s : %(message)s'
htcondor_sub 	= """universe = vanilla
executable = <EXE>
output = <OUT>
error = <ERR>
log = <LOG>
transfer_input_files = config.py
getenv = True
queue
"""

# Forms that config files of 2016 to 2018 hold and that their program accepted.
import numpy as np

first_fill	= 5695
last_fill	    = 7000 + 1
input_folder = '/afs/cern.ch/work/l/lumimod/'
working_folder = input_folder + 'followup'
data_folder = working_folder + '/data'
periods = {'A': (first_fill, 6000)}
doRescale = False
resc_period = [('A', 'A'), ('B', 'C'), ('C', 'C')]
cases = [1]
correction_factor_1h = [1., 0.4372]
correction_factor_1v = [1., 0.9]
correction_factor_2h = [1., 0.5]
correction_factor_2v = [1., 0.8]
betastar = 0.30
betastar_m = betastar
tauSRxy_FB = np.inf
XingAngle = {
    (first_fill, 5330): [290e-6, 290e-6],
    (-np.inf, 5330): [280e-6, 280e-6],
    (5330, 5738): [300e-6, 300e-6],
    (5738, 5831): [320e-6, 320e-6],
    (5833, 5834): [340e-6, 340e-6],
    (5834, np.inf): [360e-6, 360e-6],
}

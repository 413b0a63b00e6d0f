/* Convolutional networks, for the training loop. */
#ifndef HPX_NN_CNN_MODEL_H
#define HPX_NN_CNN_MODEL_H

#include "nn/model.h"

extern const hpx_model hpx_model_cnn;

#endif

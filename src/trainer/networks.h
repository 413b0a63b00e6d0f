/* The networks that hpx can read. */
#ifndef HPX_TRAINER_NETWORKS_H
#define HPX_TRAINER_NETWORKS_H

#include "network.h"

extern const hpx_network_kind hpx_network_mlp;
extern const hpx_network_kind hpx_network_cnn;

#endif

/* What files of this folder share. */
#ifndef HPX_REMOTE_INSIDE_H
#define HPX_REMOTE_INSIDE_H

#include "remote/keys.h"

void hpx_seed_new(uint8_t seed[HPX_SEED_BYTES]);
hpx_signer hpx_signer_of(const uint8_t seed[HPX_SEED_BYTES]);

#endif

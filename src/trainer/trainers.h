/* The trainers that hpx comes with. */
#ifndef HPX_TRAINERS_H
#define HPX_TRAINERS_H

#include "hpx/trainer.h"

extern const hpx_trainer hpx_trainer_mlp;
extern const hpx_trainer hpx_trainer_cnn;
extern const hpx_trainer hpx_trainer_program;

/* Stamped by tools/stamp.c from the lists in the Makefile. */
extern const hpx_sources hpx_sources_mlp;
extern const hpx_sources hpx_sources_cnn;

#endif

/* The files that a recipe names and that are not there: told at their places in the recipe, nothing of them read. */
#ifndef HPX_IDENTITY_MISSING_H
#define HPX_IDENTITY_MISSING_H

#include "hpx/buffer.h"
#include "hpx/recipe.h"

#include <stdbool.h>
#include <stdint.h>

/* One more message among those of a recipe, each once. */
void hpx_mistakes_add(hpx_buffer *mistakes, const char *message);

/* Adds a mistake for each file of a cell's data set that is not there, each once; false: there is none. */
bool hpx_missing_inputs(hpx_buffer *mistakes, const hpx_recipe *recipe, uint32_t cell,
                        const hpx_recipe_dataset *dataset);

/* Likewise of the whole recipe: its own data sets, or the code, the data and the command of its program. */
bool hpx_missing_files(hpx_buffer *mistakes, const hpx_recipe *recipe);

#endif

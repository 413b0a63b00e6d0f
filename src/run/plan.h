/* A plan drives the searches of a recipe side by side: what they ask for, whatever the scores come from.
 * Build, plan and replay all go through it, so that they make the same decisions. */
#ifndef HPX_PLAN_H
#define HPX_PLAN_H

#include "hpx/recipe.h"
#include "hpx/search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_plan hpx_plan;

/* The recipe and its searches must outlive the plan. `cost` as for hpx_search_new. */
hpx_plan *hpx_plan_new(const hpx_recipe *recipe, const hpx_recipe_search *const *searches, size_t count,
                       hpx_cost_fn *cost, void *context);
void hpx_plan_free(hpx_plan *plan); /* NULL is fine */

/* The requests that some search is certain to visit, whose value is not known and that were not returned
 * before. Borrowed until the next call. 0: tell more values, or done. */
size_t hpx_plan_ask(hpx_plan *plan, const hpx_request **requests);

/* The value of the objective at a request, in the objective's own units; NaN: it failed. Takes effect with
 * the next hpx_plan_ask. */
void hpx_plan_tell(hpx_plan *plan, hpx_request request, double value);

/* The value of a request that hpx_plan_ask has not returned. It tells where the searches may go, and is not a
 * visit: the request may still come to be asked for. */
void hpx_plan_hint(hpx_plan *plan, hpx_request request, double value);

/* At most `room` (1 or more) requests that hpx_plan_ask has not returned, have no value, and that some search
 * is more likely than not to visit; likeliest first. Borrowed until the next call. */
size_t hpx_plan_speculate(hpx_plan *plan, size_t room, const hpx_request **requests);

size_t hpx_plan_count(const hpx_plan *plan);
const hpx_recipe_search *hpx_plan_recipe_search(const hpx_plan *plan, size_t i);
hpx_search *hpx_plan_search(const hpx_plan *plan, size_t i);
/* The requests whose value search i has taken in, visited or certain to be; borrowed until the next
 * hpx_plan_ask. */
size_t hpx_plan_told(const hpx_plan *plan, size_t i, const hpx_request **requests);
double hpx_plan_value(const hpx_plan *plan, hpx_request request); /* as told */

#endif

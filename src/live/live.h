/* A build as it goes on, for a terminal: events in, a frame of text out. Nothing here prints, waits or asks for the time. */
#ifndef HPX_LIVE_H
#define HPX_LIVE_H

#include "hpx/buffer.h"
#include "hpx/build.h"
#include "hpx/recipe.h"
#include "report/spark.h"

typedef struct hpx_live hpx_live;

hpx_live *hpx_live_new(const hpx_recipe *recipe); /* which must outlive it */
void hpx_live_free(hpx_live *live);               /* NULL is fine */

/* `now`: seconds, by any clock that only goes forward. */
void hpx_live_take(hpx_live *live, const hpx_event *event, double now);

/* Appends the frame: lines with "\n" between them, at most rows - 1, none longer than columns - 1. A map of the grid (of a
 * grid of one cell, or too large a one, none), a line for each running trial, the oldest first, and a summary. */
void hpx_live_draw(hpx_buffer *out, const hpx_live *live, const hpx_screen *screen, double now);

/* The trial of an event as people read it: "n1=16 n2=16", with the seed where the recipe has several. free() it. */
char *hpx_live_trial_name(const hpx_recipe *recipe, const hpx_event *event);

#endif

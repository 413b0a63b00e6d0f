/* A build as it goes on, for scripts: events in, JSON out, one object a line. `hpx help progress` describes them. */
#ifndef HPX_FEED_H
#define HPX_FEED_H

#include "hpx/buffer.h"
#include "hpx/build.h"
#include "hpx/recipe.h"

typedef struct hpx_feed hpx_feed;

/* Appends the line of a build's begin. Recipe and searches must outlive it. */
hpx_feed *hpx_feed_new(hpx_buffer *out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                       size_t search_count);
void hpx_feed_free(hpx_feed *feed); /* NULL is fine */

/* Appends the line of an event; nothing for one that says nothing new. */
void hpx_feed_take(hpx_buffer *out, hpx_feed *feed, const hpx_event *event);

/* Appends the line of a build's end; `outcome`: NULL where it came to none. */
void hpx_feed_end(hpx_buffer *out, const hpx_outcome *outcome, hpx_status status, double seconds);

/* Appends the line of a message to people. */
void hpx_feed_message(hpx_buffer *out, const char *text);

#endif

/* A recipe's results as one HTML page that needs nothing else: figures, tables, its own script and style. Results in, a
 * buffer out. The same results give the same bytes.
 *
 *     hpx_page *page = hpx_page_new(recipe);
 *     hpx_page_set_cost(page, cell, cost);                       of every cell
 *     parts = hpx_page_add(page, artifact);                      of every epoch, as hpx_stored_each has them
 *     if (parts)
 *         hpx_page_add_origin(page, these_parts_of_its_provenance);
 *     hpx_page_write(out, page, outcome);
 *     hpx_page_free(page);
 *
 * The page allows itself by its Content-Security-Policy no more than its own script and style, by their hashes. Names of
 * recipes, axes and values are text wherever they stand. */
#ifndef HPX_PAGE_H
#define HPX_PAGE_H

#include "hpx/buffer.h"
#include "hpx/outcome.h"
#include "hpx/recipe.h"
#include "hpx/store.h"
#include "identity/images.h"
#include "identity/provenance.h"
#include "trainer/confusion.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct hpx_page hpx_page;

hpx_page *hpx_page_new(const hpx_recipe *recipe); /* which must outlive it */

/* What a cell costs: multiplications of a forward pass. Without any, cells cost the seconds of their training. */
void hpx_page_set_cost(hpx_page *page, uint32_t cell, uint64_t macs);

/* Which parts of its provenance (HPX_PROVENANCE_...) the page wants to know, to be told at once; 0: it does not show it. */
unsigned hpx_page_add(hpx_page *page, const hpx_artifact *artifact);
void hpx_page_add_origin(hpx_page *page, const hpx_provenance *provenance);

/* The words of the command line that named and amended the recipe, borrowed; without them the page names its path alone. */
void hpx_page_set_words(hpx_page *page, char *const *words, size_t count);

/* What the log of builds says (hpx_build_entry_fn), the oldest first, when all results are there: the page shows the last build
 * that ran one of them. */
hpx_status hpx_page_add_build(void *page, const hpx_fields *entry, const hpx_build_span *spans, size_t count,
                              hpx_error *error);

/* What `hpx compare --json` has printed of the recipe. HPX_USAGE, with the name of the file, when it is anything else. */
hpx_status hpx_page_compare(hpx_page *page, const char *path, const hpx_buffer *bytes, hpx_error *error);

/* What the page shows of the data and of the best cell's network. */
typedef struct hpx_page_pictures {
    const hpx_stored_images *images; /* NULL: there are none */
    const hpx_confusion *confusion;  /* NULL: there is none; else of these samples of the images: */
    const hpx_samples *samples;
    const char *split;          /* "validation", "test" */
    const hpx_network *network; /* NULL: there is none */
    const hpx_artifact *result; /* whose network it is */
    const char *missing;        /* why something is not there */
} hpx_page_pictures;
/* Borrowed until the page is written. Without this nothing is said of them. */
void hpx_page_set_pictures(hpx_page *page, const hpx_page_pictures *pictures);

/* The layers of the best cell's network, the inputs first (hpx_network_layers). */
void hpx_page_set_layers(hpx_page *page, const hpx_network_layer *layers, size_t count);

/* The best cell's first result, of all that was added; false: no cell has a score. */
bool hpx_page_best(hpx_hash *key, hpx_page *page);

/* What a plan has found of a partial cross-search of that name with one limit and another; both must outlive the page. */
void hpx_page_set_limits(hpx_page *page, const char *search, const hpx_outcome *outcome);

uint32_t hpx_page_cells(const hpx_page *page); /* that have results */

/* Appends the page. `outcome`: what a plan of the recipe's searches has found; NULL: none. */
void hpx_page_write(hpx_buffer *out, hpx_page *page, const hpx_outcome *outcome);
/* Appends what was written, but it loads itself again every so many seconds, while it is looked at and nobody uses it. */
void hpx_page_write_live(hpx_buffer *out, const hpx_buffer *written, unsigned seconds);

/* Calls for each figure of a page that was written: the name of a file, and an SVG that stands alone. */
typedef hpx_status hpx_figure_fn(void *context, const char *name, const hpx_buffer *svg, hpx_error *error);
hpx_status hpx_page_each_figure(const hpx_page *page, hpx_figure_fn *each, void *context, hpx_error *error);

void hpx_page_free(hpx_page *page); /* NULL is fine */

#endif

/* What hpx report shows of the data and of the best cell's network. */
#ifndef HPX_CLI_REPORT_PICTURES_H
#define HPX_CLI_REPORT_PICTURES_H

#include "hpx/recipe.h"
#include "hpx/store.h"
#include "identity/trained.h"
#include "page/page.h"

struct pictures {
    hpx_stored_images images;
    hpx_trained trained;
    hpx_confusion confusion;
    hpx_page_pictures shown;
    hpx_error why; /* something is missing */
};

/* Of all that was added to the page; what is missing is said there. To be freed when the page is written. */
void hpx_add_pictures(struct pictures *out, hpx_page *page, const hpx_recipe *recipe, hpx_store *store,
                      const char *data);
void hpx_free_pictures(struct pictures *pictures); /* a zeroed one is fine */

#endif

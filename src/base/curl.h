/* libcurl, loaded when it is first needed: it brings forty libraries with it, and loading them takes longer than most commands,
 * which ask no server. (git keeps it in a program of its own for the same reason.) Its functions are members of hpx_libcurl, by
 * their names without curl_. */
#ifndef HPX_BASE_CURL_H
#define HPX_BASE_CURL_H

#include "hpx/error.h"

#include <curl/curl.h>
#include <stdbool.h>

// clang-format off
#define CURL_FUNCTIONS(use) \
    use(easy_cleanup) use(easy_getinfo) use(easy_init) use(easy_perform) use(easy_reset) use(easy_setopt) use(easy_strerror) \
    use(global_cleanup) use(global_init) use(multi_add_handle) use(multi_cleanup) use(multi_info_read) use(multi_init) \
    use(multi_perform) use(multi_poll) use(multi_remove_handle) use(multi_setopt) use(slist_append) use(slist_free_all)
// clang-format on

typedef struct hpx_libcurl {
#define DECLARE(name) __typeof__(curl_##name) *name;
    CURL_FUNCTIONS(DECLARE)
#undef DECLARE
} hpx_libcurl;

/* Before anything else of libcurl is called; global_cleanup ends it. HPX_FAILED when it cannot be loaded: there is nothing to
 * end then. */
hpx_status hpx_curl_begin(hpx_libcurl *out, hpx_error *error);

/* After this the server as a whole is out of reach, not one of its files. */
bool hpx_curl_is_out_of_reach(CURLcode code);

#endif

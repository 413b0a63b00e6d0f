#include "base/curl.h"

#include "base/memory.h"

#include <dlfcn.h>

/* The library stays loaded: those below it do not all bear to be taken out again. */
static hpx_status load(hpx_libcurl *out, hpx_error *error)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW);
    if (!library)
        library = dlopen("libcurl-gnutls.so.4", RTLD_NOW);
    bool found = library != NULL;
#define LOOK_UP(name)                                                                                        \
    found = found && (out->name = (__typeof__(out->name))dlsym(library, "curl_" #name)) != NULL;
    CURL_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return found ? HPX_OK : hpx_error_set(error, HPX_FAILED, "libcurl cannot be loaded (%s)", dlerror());
}

hpx_status hpx_curl_begin(hpx_libcurl *out, hpx_error *error)
{
    hpx_status status = load(out, error);
    if (!status && out->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        hpx_out_of_memory(sizeof *out);
    return status;
}

bool hpx_curl_is_out_of_reach(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,    CURLE_SSL_CONNECT_ERROR,    CURLE_PEER_FAILED_VERIFICATION,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

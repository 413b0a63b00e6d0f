/* The sources that decide a trainer's numbers, and their version: stamped into the binary when it is built, a
 * list for each trainer. */
#ifndef HPX_SOURCES_H
#define HPX_SOURCES_H

#include "hpx/hash.h"

#include <stdint.h>

#define HPX_CODE_BYTES     20 /* a git object id */
#define HPX_CODE_HEX_BYTES 41

typedef struct hpx_sources {
    const char *names; /* files and folders below the source tree, separated by blanks */
    uint8_t version[HPX_CODE_BYTES];
    hpx_hash fingerprint; /* of the files that have this version */
} hpx_sources;

#endif

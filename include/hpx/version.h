#ifndef HPX_VERSION_H
#define HPX_VERSION_H

#define HPX_VERSION "0.1.0"

#endif

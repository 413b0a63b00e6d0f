#include "transport.h"

#define MEMORY_BYTES ((uint64_t)1 << 20) /* a blob of more is in a file */

void hpx_transport_start(hpx_transport *transport, hpx_transfer *transfer)
{
    transfer->next = NULL;
    *(transport->first ? &transport->last->next : &transport->first) = transfer;
    transport->last = transfer;
}

hpx_transfer *hpx_transport_take(hpx_transport *transport)
{
    hpx_transfer *transfer = transport->first;
    if (transfer)
        transport->first = transfer->next;
    return transfer;
}

void hpx_transfer_give_up(hpx_transfer *transfer)
{
    hpx_error error;
    hpx_error_set(&error, HPX_INTERRUPTED, "given up");
    transfer->done(transfer, HPX_INTERRUPTED, &error);
}

void hpx_transport_give_up(hpx_transport *transport)
{
    hpx_transfer *transfer;
    if (transport->give_up)
        transport->give_up(transport);
    while ((transfer = hpx_transport_take(transport)))
        hpx_transfer_give_up(transfer);
}

hpx_status hpx_transfer_make_room(hpx_transfer *transfer, uint64_t size, hpx_error *error)
{
    return size > MEMORY_BYTES ? hpx_blob_new_file(&transfer->blob, error)
                               : hpx_blob_new(&transfer->blob, error);
}

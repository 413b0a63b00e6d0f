/* The two ends of a socketpair between an executor and a worker of the same machine. A packet is a whole
 * message or nothing, and the descriptor of its blob goes with it. */
#ifndef HPX_CHANNEL_H
#define HPX_CHANNEL_H

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stdbool.h>

/* How many packets a worker may have on the way: the checkpoints that its executor has not taken in yet,
 * before which it trains no further, the end of its job, and what it says first. */
#define HPX_CHANNEL_BLOBS_MAX   2
#define HPX_CHANNEL_PACKETS_MAX (HPX_CHANNEL_BLOBS_MAX + 2)

hpx_status hpx_channel_pair(int sockets[2], hpx_error *error);
bool hpx_channel_is_one(int descriptor);

/* Sends a message, and its blob if it has one (fd 0 or more). Waits for room, or, if told not to, fails.
 * HPX_NOT_FOUND when the other side is gone. */
hpx_status hpx_channel_send(int socket, const hpx_buffer *message, const hpx_blob *blob, bool wait,
                            hpx_error *error);

typedef enum hpx_packet {
    HPX_PACKET_MESSAGE,
    HPX_PACKET_TAKEN, /* the other side has taken one more blob in */
    HPX_PACKET_NONE,  /* nothing has come, and it was told not to wait */
    HPX_PACKET_END,   /* the other side is gone */
} hpx_packet;

/* Receives the next packet: a message replaces what is in `message`, and its blob is the caller's to
 * close. */
hpx_status hpx_channel_receive(hpx_packet *out, hpx_buffer *message, hpx_blob *blob, int socket, bool wait,
                               hpx_error *error);

/* Tells the other side that one of its blobs has been taken in. */
void hpx_channel_take(int socket);

#endif

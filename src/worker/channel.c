#include "worker/channel.h"

#include "worker/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A packet of this one byte is HPX_PACKET_TAKEN. */
static const uint8_t taken = 'T';

hpx_status hpx_channel_pair(int sockets[2], hpx_error *error)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return hpx_error_errno(error, "cannot make a socket");
    const int room = (int)HPX_MESSAGE_BYTES_MAX;
    for (int i = 0; i < 2; i++)
        setsockopt(sockets[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room); /* as much of it as may be had */
    return HPX_OK;
}

bool hpx_channel_is_one(int descriptor)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

union control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

hpx_status hpx_channel_send(int socket, const hpx_buffer *message, const hpx_blob *blob, bool wait,
                            hpx_error *error)
{
    union control control = {.bytes = {0}};
    struct iovec piece = {.iov_base = message->data, .iov_len = message->size};
    struct msghdr packet = {.msg_iov = &piece, .msg_iovlen = 1};
    if (blob->fd >= 0) {
        packet.msg_control = &control;
        packet.msg_controllen = CMSG_LEN(sizeof(int));
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &blob->fd, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &packet, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return HPX_OK;
    if (errno == EMSGSIZE)
        return hpx_error_set(error, HPX_FAILED, "a message of %zu bytes is more than a socket takes here",
                             message->size);
    const bool gone = errno == EPIPE || errno == ECONNRESET;
    hpx_status status = hpx_error_errno(error, "cannot send a message");
    return gone ? HPX_NOT_FOUND : status;
}

/* The blob of a received packet. A packet has one descriptor at most: there is no room for more. */
static hpx_status take_descriptor(hpx_blob *blob, struct msghdr *packet, hpx_error *error)
{
    struct stat info;
    const struct cmsghdr *header = CMSG_FIRSTHDR(packet);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&blob->fd, CMSG_DATA(header), sizeof(int));
    if (packet->msg_flags & MSG_TRUNC)
        return hpx_error_set(error, HPX_DAMAGED, "a message that is too long");
    if (packet->msg_flags & MSG_CTRUNC)
        return hpx_error_set(error, HPX_DAMAGED, "more than this process can open: too many files are open");
    if (blob->fd < 0)
        return HPX_OK;
    if (fstat(blob->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return hpx_error_set(error, HPX_DAMAGED, "a checkpoint that is no file");
    blob->size = (uint64_t)info.st_size;
    return HPX_OK;
}

hpx_status hpx_channel_receive(hpx_packet *out, hpx_buffer *message, hpx_blob *blob, int socket, bool wait,
                               hpx_error *error)
{
    *blob = HPX_NO_BLOB;
    message->size = 0;
    hpx_buffer_reserve(message, HPX_MESSAGE_BYTES_MAX);
    union control control;
    struct iovec piece = {.iov_base = message->data, .iov_len = HPX_MESSAGE_BYTES_MAX};
    struct msghdr packet;
    ssize_t got;
    do {
        packet = (struct msghdr){.msg_iov = &piece,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = CMSG_LEN(sizeof(int))};
        got = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
        /* What a worker has sent before it died is still there behind ECONNRESET. */
    } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0 && errno != EAGAIN)
        return hpx_error_errno(error, "cannot receive a message");
    if (got <= 0) {
        *out = got < 0 ? HPX_PACKET_NONE : HPX_PACKET_END;
        return HPX_OK;
    }
    hpx_status status = take_descriptor(blob, &packet, error);
    if (status)
        hpx_blob_close(blob);
    message->size = (size_t)got;
    *out = got == 1 && message->data[0] == taken ? HPX_PACKET_TAKEN : HPX_PACKET_MESSAGE;
    return status;
}

void hpx_channel_take(int socket)
{
    /* It can only fail when the other side is gone, which receiving finds out. */
    send(socket, &taken, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

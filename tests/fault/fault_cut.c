/* Cuts an ext4 file system off as a power failure would: nothing more reaches its device, not even the
 * journal.
 *
 *     fault_cut MOUNT_POINT */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* EXT4_IOC_SHUTDOWN and its flag, fs/ext4/ext4.h */
#define SHUTDOWN   _IOR('X', 125, uint32_t)
#define NOLOGFLUSH 2

int main(int argc, char **argv)
{
    uint32_t flags = NOLOGFLUSH;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || ioctl(fd, SHUTDOWN, &flags) != 0) {
        perror("fault_cut");
        return 1;
    }
    return 0;
}

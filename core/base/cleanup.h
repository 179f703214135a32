/* core/base/cleanup.h - free locals at the end of their scope (as systemd and crun do), and write a move out
 * of a scope as a move. */
#ifndef INSP_BASE_CLEANUP_H
#define INSP_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines the cleanup function of a type: DEFINE_CLEANUP(struct insp_image, insp_image_free) makes
 * insp_image_freep(struct insp_image **). */
#define DEFINE_CLEANUP(type, free_function)                                                                       \
    static inline void free_function##p(type **p) {                                                               \
        if (*p)                                                                                                   \
            free_function(*p);                                                                                    \
    }                                                                                                             \
    struct insp_cleanup_semicolon

static inline void insp_freep(void *p) {
    free(*(void **)p);
}
static inline void insp_closep(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}
static inline void insp_fclosep(FILE **f) {
    if (*f)
        fclose(*f);
}

#define _cleanup_free_ _cleanup_(insp_freep)
#define _cleanup_close_ _cleanup_(insp_closep)
#define _cleanup_fclose_ _cleanup_(insp_fclosep)

/* Moves ownership out of a variable and leaves NULL (insp_take_fd: -1) in it: `return insp_take_ptr(image);` */
#define insp_take_ptr(p)                                                                                          \
    ({                                                                                                            \
        __typeof__(p) *insp_taken_from = &(p);                                                                    \
        __typeof__(p) insp_taken = *insp_taken_from;                                                              \
        *insp_taken_from = NULL;                                                                                  \
        insp_taken;                                                                                               \
    })
#define insp_take_fd(fd)                                                                                          \
    ({                                                                                                            \
        int *insp_taken_from = &(fd);                                                                             \
        int insp_taken = *insp_taken_from;                                                                        \
        *insp_taken_from = -1;                                                                                    \
        insp_taken;                                                                                               \
    })

#define INSP_COUNT(array) (sizeof(array) / sizeof *(array))

#endif

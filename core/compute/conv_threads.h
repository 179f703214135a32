/* core/compute/conv_threads.h - use OpenMP if the build has it, else the calling thread alone. */
#ifndef INSP_COMPUTE_CONV_THREADS_H
#define INSP_COMPUTE_CONV_THREADS_H

#if defined _OPENMP
#include <omp.h>
#else
static inline int omp_get_thread_num(void) {
    return 0;
}
static inline int omp_get_num_procs(void) {
    return 1;
}
#endif

#endif

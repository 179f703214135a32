#include "daemon/descriptors.h"

#include "api/listen/linger.h"
#include "api/listen/listener.h"
#include "core/base/log.h"

#include <sys/resource.h>

enum { PER_CONNECTION = 2, PER_THREAD = 4, PROCESS = 128, LISTENER = API_ACCEPT_BURST + API_LINGER_MAX };

uint64_t daemon_descriptors_needed(unsigned connections, unsigned pool_threads, unsigned plcs) {
    return PROCESS + LISTENER + (uint64_t)PER_THREAD * pool_threads + plcs +
           (uint64_t)PER_CONNECTION * connections;
}

unsigned daemon_descriptors_fit(unsigned asked, unsigned pool_threads, unsigned plcs, uint64_t limit) {
    uint64_t beside = daemon_descriptors_needed(0, pool_threads, plcs);
    uint64_t fit = limit > beside ? (limit - beside) / PER_CONNECTION : 0;
    if (fit < DAEMON_CONNECTIONS_MIN)
        return 0;
    return fit < asked ? (unsigned)fit : asked;
}

int daemon_descriptors_raise(unsigned asked, unsigned pool_threads, unsigned plcs, unsigned *ret,
                             struct insp_error *reterr) {
    struct rlimit limit;
    uint64_t needed = daemon_descriptors_needed(asked, pool_threads, plcs);
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return insp_fail(reterr, INSP_E_INTERNAL, "cannot read the limit of open files");
    if (limit.rlim_cur < needed) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit))
            limit.rlim_cur = before;
    }
    unsigned fit = daemon_descriptors_fit(asked, pool_threads, plcs, limit.rlim_cur);
    if (!fit)
        return insp_fail(
            reterr, INSP_E_CONFIG,
            "the process may open only %llu files, too few for any connections; allow at least %llu "
            "(LimitNOFILE= in the unit, ulimit -n)",
            (unsigned long long)limit.rlim_cur,
            (unsigned long long)daemon_descriptors_needed(DAEMON_CONNECTIONS_MIN, pool_threads, plcs));
    if (fit < asked)
        insp_log_warning("server.connections lowered: the limit of open files is too low asked=%u got=%u "
                         "open_files_limit=%llu wanted=%llu; raise LimitNOFILE= in the unit or ulimit -n",
                         asked, fit, (unsigned long long)limit.rlim_cur, (unsigned long long)needed);
    *ret = fit;
    return 0;
}

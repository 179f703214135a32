#include "core/compute/team.h"

#include "core/base/lanes/thread.h"
#include "core/base/log.h"

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SPIN_NS = 100000, /* time for which a thread looks before it sleeps */
    LOOKS = 32,       /* looks between two readings of the clock */
};

/* `state` of a team: the number of the pass, whether members may still join it, and how many have joined. The bits
 * change together, so that a member that comes late finds the pass closed and touches nothing of it. */
enum { MEMBERS = 0x7fff, OPEN = 0x8000, NUMBER_SHIFT = 16 };

struct pass {
    insp_team_step *step;
    void *arg;
    size_t count, chunk;
    unsigned threads;
};

struct team {
    alignas(64) _Atomic uint32_t state; /* futex of the leader */
    alignas(64) _Atomic size_t next;    /* first step that nobody has taken */
    alignas(64) _Atomic uint32_t calls; /* futex of the members: passes so far, and the end */
    _Atomic uint32_t sleepers;          /* members that wait for `calls` */
    _Atomic bool leader_sleeps, stop;
    struct pass pass; /* written while no member is in a pass */
    bool leading;     /* leader only, as all below */
    bool refused;     /* the system starts no further member */
    unsigned members;
    struct member {
        struct team *team;
        unsigned thread; /* 1 or more: the leader is 0 */
        pthread_t id;
    } * member[INSP_TEAM_MAX - 1]; /* owned */
};

/* --- waiting --- */

static void relax(void) {
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("isb");
#endif
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_while(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word, size_t count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count < INT_MAX ? (int)count : INT_MAX, NULL, NULL, 0);
}

/* --- float mode --- */

static unsigned enter_float_mode(void) {
#if defined __x86_64__
    unsigned mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode | 0x8040); /* flush to zero, denormals are zero */
    return mode;
#else
    return 0;
#endif
}

static void leave_float_mode(unsigned mode) {
#if defined __x86_64__
    __builtin_ia32_ldmxcsr(mode);
#else
    (void)mode;
#endif
}

/* --- a pass --- */

static void take_steps(const struct pass *pass, _Atomic size_t *next, unsigned thread) {
    size_t first;
    while ((first = atomic_fetch_add(next, pass->chunk)) < pass->count) {
        size_t end = pass->count - first < pass->chunk ? pass->count : first + pass->chunk;
        for (size_t index = first; index < end; index++)
            pass->step(pass->arg, index, thread);
    }
}

/* Joins a pass that is open and whose number is not `last`. Returns its state, or 0 if there is none. */
static uint32_t join_new(struct team *team, uint32_t last) {
    uint32_t state = atomic_load(&team->state);
    while ((state & OPEN) && state >> NUMBER_SHIFT != last)
        if (atomic_compare_exchange_weak(&team->state, &state, state + 1))
            return state;
    return 0;
}

static void leave(struct team *team) {
    uint32_t state = atomic_fetch_sub(&team->state, 1) - 1;
    if (!(state & (OPEN | MEMBERS)) && atomic_load(&team->leader_sleeps))
        wake(&team->state, 1);
}

/* Waits for the next pass and joins it. Returns its state; 0 at the end of the team. */
static uint32_t await_pass(struct team *team, uint32_t last) {
    uint32_t joined = 0;
    int64_t until = now_ns() + SPIN_NS;
    do
        for (int i = 0; i < LOOKS; i++, relax())
            if (atomic_load(&team->stop) || (joined = join_new(team, last)))
                return joined;
    while (now_ns() < until);
    atomic_fetch_add(&team->sleepers, 1);
    for (;;) { /* a call that comes after this reading ends the sleep, or prevents it */
        uint32_t calls = atomic_load(&team->calls);
        if (atomic_load(&team->stop) || (joined = join_new(team, last)))
            break;
        sleep_while(&team->calls, calls);
    }
    atomic_fetch_sub(&team->sleepers, 1);
    return joined;
}

static void *member_thread(void *arg) {
    struct member *member = arg;
    struct team *team = member->team;
    uint32_t state, last = UINT32_MAX;
    enter_float_mode();
    while ((state = await_pass(team, last))) {
        last = state >> NUMBER_SHIFT;
        if (member->thread < team->pass.threads)
            take_steps(&team->pass, &team->next, member->thread);
        leave(team);
    }
    return NULL;
}

static void call_members(struct team *team, size_t count) {
    atomic_fetch_add(&team->calls, 1);
    if (atomic_load(&team->sleepers))
        wake(&team->calls, count);
}

/* Waits for the members that are in the pass. */
static void await_members(struct team *team) {
    uint32_t state;
    int64_t until = now_ns() + SPIN_NS;
    do
        for (int i = 0; i < LOOKS; i++, relax())
            if (!(atomic_load(&team->state) & MEMBERS))
                return;
    while (now_ns() < until);
    atomic_store(&team->leader_sleeps, true);
    while ((state = atomic_load(&team->state)) & MEMBERS)
        sleep_while(&team->state, state);
    atomic_store(&team->leader_sleeps, false);
}

static void lead(struct team *team, const struct pass *pass) {
    uint32_t number = (atomic_load(&team->state) >> NUMBER_SHIFT) + 1;
    assert(!team->leading);
    team->leading = true;
    team->pass = *pass;
    atomic_store(&team->next, 0);
    atomic_store(&team->state, number << NUMBER_SHIFT | OPEN);
    call_members(team, (pass->count - 1) / pass->chunk);
    take_steps(pass, &team->next, 0);
    if (atomic_fetch_and(&team->state, ~(uint32_t)OPEN) & MEMBERS)
        await_members(team);
    team->leading = false;
}

/* --- the team of a thread --- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void end_team(void *arg) {
    struct team *team = arg;
    atomic_store(&team->stop, true);
    call_members(team, team->members);
    for (unsigned i = 0; i < team->members; i++) {
        pthread_join(team->member[i]->id, NULL);
        free(team->member[i]);
    }
    free(team);
}

static void make_key(void) {
    if (pthread_key_create(&key, end_team))
        abort(); /* fewer than 1024 keys are in use */
}

static bool add_member(struct team *team) {
    char name[16];
    struct insp_error error;
    struct member *member = calloc(1, sizeof *member);
    if (!member)
        return false;
    *member = (struct member){.team = team, .thread = team->members + 1};
    snprintf(name, sizeof name, "insp-team-%u", member->thread);
    if (insp_thread_start(&member->id, name, member_thread, member, &error)) {
        insp_log_warning("passes run on fewer threads than they may threads=%u: %s", team->members + 1,
                         error.detail);
        free(member);
        return false;
    }
    team->member[team->members++] = member;
    return true;
}

/* Returns the calling thread's team with as many members as `threads` need, or fewer; NULL without memory. */
static struct team *own_team(unsigned threads) {
    pthread_once(&once, make_key);
    struct team *team = pthread_getspecific(key);
    if (!team) {
        team = aligned_alloc(alignof(struct team), sizeof *team);
        if (!team)
            return NULL;
        *team = (struct team){.members = 0};
        if (pthread_setspecific(key, team)) {
            free(team);
            return NULL;
        }
    }
    while (!team->refused && team->members + 1 < threads && team->members < INSP_TEAM_MAX - 1)
        team->refused = !add_member(team);
    return team;
}

void insp_team_run(unsigned threads, size_t count, size_t chunk, insp_team_step *step, void *arg) {
    const struct pass pass = {.step = step, .arg = arg, .count = count, .chunk = chunk, .threads = threads};
    struct team *team = threads > 1 && count > chunk ? own_team(threads) : NULL;
    unsigned mode = enter_float_mode();
    if (team && team->members) {
        lead(team, &pass);
    } else {
        _Atomic size_t next = 0;
        take_steps(&pass, &next, 0);
    }
    leave_float_mode(mode);
}

unsigned insp_team_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

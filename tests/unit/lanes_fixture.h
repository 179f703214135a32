/* tests/unit/lanes_fixture.h - start lanes with a few threads on a test's loop. */
#ifndef INSP_TESTS_LANES_FIXTURE_H
#define INSP_TESTS_LANES_FIXTURE_H

#include "core/base/lanes/work.h"
#include "tests/unit/harness.h"

static inline struct insp_lanes *lanes_open(uv_loop_t *loop) {
    struct insp_lanes_config config;
    struct insp_lanes *lanes;
    struct insp_error err;
    for (size_t i = 0; i < INSP_LANES; i++) {
        config.lane[i].threads = 2;
        config.lane[i].queue_max = 64;
    }
    ck_insp_ok(insp_lanes_new(loop, &config, &lanes, &err), err);
    return lanes;
}

/* The caller runs the loop afterwards, so that the handle closes. */
static inline void lanes_close(struct insp_lanes *lanes) {
    insp_lanes_close(lanes, NULL, NULL);
}

#endif

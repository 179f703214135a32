#include "core/compute/pace.h"

#include <stddef.h>

static _Thread_local struct {
    void (*before_layer)(void *arg);
    void *arg;
} pace;

void insp_pace_set(void (*before_layer)(void *arg), void *arg) {
    pace.before_layer = before_layer;
    pace.arg = arg;
}

void insp_pace(void) {
    if (pace.before_layer)
        pace.before_layer(pace.arg);
}

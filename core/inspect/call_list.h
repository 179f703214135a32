/* core/inspect/call_list.h - keep the calls of the inference thread in the order in which they came. Internal to
 * core/inspect, but for the types of a call's functions, which engine.h takes. The engine's lock guards a list. */
#ifndef INSP_INSPECT_CALL_LIST_H
#define INSP_INSPECT_CALL_LIST_H

#include "core/base/error.h"
#include "core/compute/device.h"

#include <stdbool.h>
#include <stddef.h>

/* Described by insp_engine_call. */
typedef int insp_engine_work(struct insp_device *device, struct insp_trunk *trunk, void *arg,
                             struct insp_error *reterr);
typedef void insp_engine_done(void *arg, int code, const struct insp_error *error);

struct insp_call {
    insp_engine_work *work;
    insp_engine_done *done;
    void *arg;
    bool wait;     /* a thread waits in insp_engine_call for `finished` */
    bool finished; /* under the lock */
    int code;
    struct insp_error error;
    struct insp_call *next;
};

struct insp_call_list {
    struct insp_call *head, **tail;
};

/* Makes the list empty. */
static inline void insp_call_list_begin(struct insp_call_list *list) {
    list->head = NULL;
    list->tail = &list->head;
}

/* Adds a call, borrowed, at the end. */
static inline void insp_call_push(struct insp_call_list *list, struct insp_call *call) {
    call->next = NULL;
    *list->tail = call;
    list->tail = &call->next;
}

/* Takes the first call; the list is not empty. */
static inline struct insp_call *insp_call_first(struct insp_call_list *list) {
    struct insp_call *call = list->head;
    list->head = call->next;
    if (!call->next)
        list->tail = &list->head;
    return call;
}

/* Takes all calls, linked by next; NULL: there is none. */
static inline struct insp_call *insp_call_take(struct insp_call_list *list) {
    struct insp_call *head = list->head;
    insp_call_list_begin(list);
    return head;
}

#endif

/* core/model/pth/pickle.h - read the values of a pickle without executing it: a machine that knows the opcodes of
 * a PyTorch state_dict (protocol 2), and names nothing but its parts. Internal to core/model/pth. Pure; one thread
 * per object. */
#ifndef INSP_MODEL_PTH_PICKLE_H
#define INSP_MODEL_PTH_PICKLE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum insp_pickle_kind {
    INSP_PICKLE_NONE,
    INSP_PICKLE_INT,       /* also True and False */
    INSP_PICKLE_LONG,      /* more than 8 bytes: `text`, little endian */
    INSP_PICKLE_TEXT,      /* UTF-8 or bytes, without a NUL at the end */
    INSP_PICKLE_TUPLE,     /* items */
    INSP_PICKLE_LIST,      /* items */
    INSP_PICKLE_DICT,      /* items: key, value, key, value... */
    INSP_PICKLE_NAME,      /* number: enum insp_pickle_name */
    INSP_PICKLE_STORAGE,   /* items: those of its persistent id: "storage", type, key, place, elements */
    INSP_PICKLE_TENSOR,    /* items: storage, offset, shape, strides, ... */
    INSP_PICKLE_PARAMETER, /* items: its arguments or its state, of which the first is a tensor */
    INSP_PICKLE_MARK,
};

/* The only things that a pickle may name. */
enum insp_pickle_name {
    INSP_PICKLE_ORDERED_DICT,
    INSP_PICKLE_REBUILD_TENSOR,
    INSP_PICKLE_REBUILD_TENSOR_V2,
    INSP_PICKLE_REBUILD_PARAMETER,
    INSP_PICKLE_CLASS_PARAMETER,
    INSP_PICKLE_FLOAT_STORAGE,
    INSP_PICKLE_NAMES
};

struct insp_pickle_value {
    enum insp_pickle_kind kind;
    int64_t number;
    const uint8_t *text; /* borrowed from the bytes */
    uint32_t length;
    uint32_t first, last, count; /* items: links of the machine */
};

struct insp_pickle;

/* Makes a machine for pickles that lie one after another in `bytes`, which it borrows. *ret is the caller's. Fails
 * with INSP_E_NOMEM. */
int insp_pickle_new(const uint8_t *bytes, size_t count, struct insp_pickle **ret, struct insp_error *reterr);
void insp_pickle_free(struct insp_pickle *pickle); /* accepts NULL */

/* Reads the next pickle. *ret is its value, valid until the machine is freed. Fails with INSP_E_MODEL, which names
 * an opcode or a name that does not belong in a state_dict. */
int insp_pickle_next(struct insp_pickle *pickle, const struct insp_pickle_value **ret, struct insp_error *reterr);

/* Returns the offset behind the last pickle. */
size_t insp_pickle_offset(const struct insp_pickle *pickle);

/* Returns item i of a value, or NULL beyond the last. Item i + 1 after item i takes no search. */
const struct insp_pickle_value *insp_pickle_item(const struct insp_pickle *pickle,
                                                 const struct insp_pickle_value *value, uint32_t i);

/* Says whether a value is this text. */
bool insp_pickle_is(const struct insp_pickle_value *value, const char *text);

DEFINE_CLEANUP(struct insp_pickle, insp_pickle_free);
#endif

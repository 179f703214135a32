#include "core/model/pth/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* VGG16's state_dict has some 1,000 values. */
enum { VALUES_MAX = 1 << 16, LINKS_MAX = 1 << 17, DEPTH_MAX = 1 << 13, MEMO_MAX = 1 << 16, NAME_BYTES = 160 };

struct link {
    uint32_t value, next; /* next 0: the last one */
};

struct insp_pickle {
    const uint8_t *bytes;
    size_t count, at;
    struct insp_pickle_value value[VALUES_MAX]; /* 0 is never used */
    struct link link[LINKS_MAX];                /* the same */
    uint32_t values, links;
    uint32_t stack[DEPTH_MAX], depth;
    uint32_t memo[MEMO_MAX]; /* 0: not set */
};

static const char *const names[INSP_PICKLE_NAMES] = {
    [INSP_PICKLE_ORDERED_DICT] = "collections OrderedDict",
    [INSP_PICKLE_REBUILD_TENSOR] = "torch._utils _rebuild_tensor",
    [INSP_PICKLE_REBUILD_TENSOR_V2] = "torch._utils _rebuild_tensor_v2",
    [INSP_PICKLE_REBUILD_PARAMETER] = "torch._utils _rebuild_parameter",
    [INSP_PICKLE_CLASS_PARAMETER] = "torch.nn.parameter Parameter",
    [INSP_PICKLE_FLOAT_STORAGE] = "torch FloatStorage",
};

int insp_pickle_new(const uint8_t *bytes, size_t count, struct insp_pickle **ret, struct insp_error *reterr) {
    struct insp_pickle *p = calloc(1, sizeof *p);
    if (!p)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to read a pickle");
    p->bytes = bytes;
    p->count = count;
    *ret = p;
    return 0;
}

void insp_pickle_free(struct insp_pickle *pickle) {
    free(pickle);
}

size_t insp_pickle_offset(const struct insp_pickle *pickle) {
    return pickle->at;
}

const struct insp_pickle_value *insp_pickle_item(const struct insp_pickle *p,
                                                 const struct insp_pickle_value *value, uint32_t i) {
    uint32_t at = value->first;
    if (i >= value->count)
        return NULL;
    while (i--)
        at = p->link[at].next;
    return &p->value[p->link[at].value];
}

bool insp_pickle_is(const struct insp_pickle_value *value, const char *text) {
    return value && value->kind == INSP_PICKLE_TEXT && value->length == strlen(text) &&
           !memcmp(value->text, text, value->length);
}

/* --- reading --- */

static int broken(const struct insp_pickle *p, const char *why, struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_MODEL, "the pickle is damaged at byte %zu: %s", p->at, why);
}

/* Takes n bytes; NULL beyond the end. */
static const uint8_t *take(struct insp_pickle *p, size_t n) {
    if (n > p->count - p->at)
        return NULL;
    p->at += n;
    return p->bytes + p->at - n;
}

/* Reads an unsigned number of n bytes, 1 to 4. */
static int read_number(struct insp_pickle *p, size_t n, uint32_t *ret, struct insp_error *reterr) {
    const uint8_t *from = take(p, n);
    if (!from)
        return broken(p, "it ends within a number", reterr);
    *ret = 0;
    for (size_t i = 0; i < n; i++)
        *ret |= (uint32_t)from[i] << (8 * i);
    return 0;
}

/* --- the stack --- */

static int push(struct insp_pickle *p, uint32_t value, struct insp_error *reterr) {
    if (p->depth == DEPTH_MAX)
        return broken(p, "its stack is too deep", reterr);
    p->stack[p->depth++] = value;
    return 0;
}

static int push_new(struct insp_pickle *p, struct insp_pickle_value value, struct insp_error *reterr) {
    if (p->values + 1 >= VALUES_MAX)
        return broken(p, "it has too many values", reterr);
    p->value[++p->values] = value;
    return push(p, p->values, reterr);
}

static int pop(struct insp_pickle *p, uint32_t *ret, struct insp_error *reterr) {
    if (!p->depth || p->value[p->stack[p->depth - 1]].kind == INSP_PICKLE_MARK)
        return broken(p, "it takes more from its stack than it put there", reterr);
    *ret = p->stack[--p->depth];
    return 0;
}

static int append(struct insp_pickle *p, uint32_t to, uint32_t item, struct insp_error *reterr) {
    struct insp_pickle_value *target = &p->value[to];
    if (p->links + 1 >= LINKS_MAX)
        return broken(p, "its lists are too long", reterr);
    p->link[++p->links] = (struct link){.value = item};
    if (target->count++)
        p->link[target->last].next = p->links;
    else
        target->first = p->links;
    target->last = p->links;
    return 0;
}

/* Appends the values above the last mark, which goes too, to the value below it (or to `to`, if that is not 0). */
static int append_marked(struct insp_pickle *p, uint32_t to, struct insp_error *reterr) {
    uint32_t mark = p->depth;
    while (mark && p->value[p->stack[mark - 1]].kind != INSP_PICKLE_MARK)
        mark--;
    if (!mark || (!to && mark < 2))
        return broken(p, "a mark is missing", reterr);
    if (!to)
        to = p->stack[mark - 2];
    int r = 0;
    for (uint32_t i = mark; i < p->depth && r == 0; i++)
        r = append(p, to, p->stack[i], reterr);
    p->depth = mark - 1;
    return r;
}

static int check_top(struct insp_pickle *p, uint32_t below_mark, enum insp_pickle_kind kind,
                     struct insp_error *reterr) {
    uint32_t at = p->depth;
    while (below_mark && at && p->value[p->stack[at - 1]].kind != INSP_PICKLE_MARK)
        at--;
    at -= below_mark && at;
    return at && p->value[p->stack[at - 1]].kind == kind ? 0 : broken(p, "it extends what it must not", reterr);
}

/* --- opcodes --- */

static int push_text(struct insp_pickle *p, size_t size_bytes, struct insp_error *reterr) {
    uint32_t length;
    int r = read_number(p, size_bytes, &length, reterr);
    if (r < 0)
        return r;
    const uint8_t *text = take(p, length);
    if (!text)
        return broken(p, "it ends within a text", reterr);
    return push_new(p, (struct insp_pickle_value){.kind = INSP_PICKLE_TEXT, .text = text, .length = length},
                    reterr);
}

static int push_int(struct insp_pickle *p, size_t bytes, struct insp_error *reterr) {
    uint32_t number = 0;
    int r = read_number(p, bytes, &number, reterr);
    int64_t value = bytes == 4 ? (int64_t)(int32_t)number : (int64_t)number;
    return r < 0 ? r : push_new(p, (struct insp_pickle_value){.kind = INSP_PICKLE_INT, .number = value}, reterr);
}

static int push_long(struct insp_pickle *p, struct insp_error *reterr) {
    uint32_t length = 0;
    int r = read_number(p, 1, &length, reterr);
    if (r)
        return r;
    const uint8_t *from = take(p, length);
    if (!from)
        return broken(p, "it ends within a number", reterr);
    uint64_t number = length && from[length - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint32_t i = length; i-- && length <= 8;)
        number = number << 8 | from[i];
    struct insp_pickle_value value = {.kind = length > 8 ? INSP_PICKLE_LONG : INSP_PICKLE_INT,
                                      .number = length > 8 ? 0 : (int64_t)number,
                                      .text = from,
                                      .length = length};
    return push_new(p, value, reterr);
}

/* Reads "module\nname\n". */
static int push_name(struct insp_pickle *p, struct insp_error *reterr) {
    char text[NAME_BYTES];
    size_t length = 0, lines = 0;
    while (lines < 2) {
        const uint8_t *c = take(p, 1);
        if (!c || length + 1 >= sizeof text)
            return broken(p, "a name without an end", reterr);
        text[length++] = *c == '\n' ? ' ' : *c < ' ' || *c > '~' ? '?' : (char)*c;
        lines += *c == '\n';
    }
    text[length - 1] = '\0';
    for (int i = 0; i < INSP_PICKLE_NAMES; i++)
        if (!strcmp(text, names[i]))
            return push_new(p, (struct insp_pickle_value){.kind = INSP_PICKLE_NAME, .number = i}, reterr);
    return insp_fail(reterr, INSP_E_MODEL, "the file asks for \"%s\"; only the parts of a state_dict are allowed",
                     text);
}

static int push_tuple(struct insp_pickle *p, uint32_t items, struct insp_error *reterr) {
    struct insp_pickle_value tuple = {.kind = INSP_PICKLE_TUPLE};
    if (p->depth < items)
        return broken(p, "it takes more from its stack than it put there", reterr);
    uint32_t from = p->depth - items;
    int r = push_new(p, tuple, reterr);
    uint32_t made = p->values;
    for (uint32_t i = 0; i < items && r == 0; i++)
        r = p->value[p->stack[from + i]].kind == INSP_PICKLE_MARK ? broken(p, "a tuple across a mark", reterr)
                                                                  : append(p, made, p->stack[from + i], reterr);
    if (r < 0)
        return r;
    p->depth = from;
    return push(p, made, reterr);
}

static int tuple_of_marked(struct insp_pickle *p, struct insp_error *reterr) {
    if (p->values + 1 >= VALUES_MAX)
        return broken(p, "it has too many values", reterr);
    uint32_t made = ++p->values;
    p->value[made] = (struct insp_pickle_value){.kind = INSP_PICKLE_TUPLE};
    int r = append_marked(p, made, reterr);
    return r < 0 ? r : push(p, made, reterr);
}

/* Gives the items of a tuple to a new value of another kind. */
static int push_as(struct insp_pickle *p, uint32_t tuple, enum insp_pickle_kind kind, uint32_t least,
                   struct insp_error *reterr) {
    struct insp_pickle_value value = p->value[tuple];
    if (value.kind != INSP_PICKLE_TUPLE || value.count < least)
        return broken(p, "arguments are missing", reterr);
    value.kind = kind;
    return push_new(p, value, reterr);
}

/* Makes a dictionary of no arguments, or of a list of pairs, as Python 2 wrote it. */
static int push_dict(struct insp_pickle *p, uint32_t arguments, struct insp_error *reterr) {
    int r = push_new(p, (struct insp_pickle_value){.kind = INSP_PICKLE_DICT}, reterr);
    uint32_t made = p->values, tuple_link = p->value[arguments].first;
    if (r || !p->value[arguments].count)
        return r;
    const struct insp_pickle_value *list = &p->value[p->link[tuple_link].value];
    if (p->value[arguments].count != 1 || list->kind != INSP_PICKLE_LIST)
        return broken(p, "a dictionary of something else than pairs", reterr);
    uint32_t at = list->first;
    for (uint32_t i = 0; i < list->count && r == 0; i++, at = p->link[at].next) {
        const struct insp_pickle_value *pair = &p->value[p->link[at].value];
        if ((pair->kind != INSP_PICKLE_LIST && pair->kind != INSP_PICKLE_TUPLE) || pair->count != 2)
            return broken(p, "a dictionary of something else than pairs", reterr);
        uint32_t key = p->link[pair->first].value, value = p->link[p->link[pair->first].next].value;
        r = append(p, made, key, reterr);
        if (r == 0)
            r = append(p, made, value, reterr);
    }
    return r;
}

static int reduce(struct insp_pickle *p, struct insp_error *reterr) {
    uint32_t arguments, function;
    int r = pop(p, &arguments, reterr);
    if (r == 0)
        r = pop(p, &function, reterr);
    if (r)
        return r;
    const struct insp_pickle_value *given = &p->value[arguments];
    if (p->value[function].kind != INSP_PICKLE_NAME || given->kind != INSP_PICKLE_TUPLE)
        return broken(p, "it calls a thing that cannot be called", reterr);
    switch ((enum insp_pickle_name)p->value[function].number) {
    case INSP_PICKLE_ORDERED_DICT:
        return push_dict(p, arguments, reterr);
    case INSP_PICKLE_REBUILD_TENSOR:
    case INSP_PICKLE_REBUILD_TENSOR_V2:
        return push_as(p, arguments, INSP_PICKLE_TENSOR, 4, reterr);
    case INSP_PICKLE_REBUILD_PARAMETER:
        return push_as(p, arguments, INSP_PICKLE_PARAMETER, 1, reterr);
    case INSP_PICKLE_CLASS_PARAMETER:
        return push_as(p, arguments, INSP_PICKLE_PARAMETER, 0, reterr);
    default:
        return broken(p, "it calls a class", reterr);
    }
}

static int new_object(struct insp_pickle *p, struct insp_error *reterr) {
    uint32_t arguments, class;
    int r = pop(p, &arguments, reterr);
    if (r == 0)
        r = pop(p, &class, reterr);
    if (r)
        return r;
    if (p->value[class].kind != INSP_PICKLE_NAME || p->value[class].number != INSP_PICKLE_CLASS_PARAMETER)
        return broken(p, "it makes an object that does not belong in a state_dict", reterr);
    return push_as(p, arguments, INSP_PICKLE_PARAMETER, 0, reterr);
}

/* Gives an empty parameter its state, as PyTorch 0.1 wrote it; attributes of other values are dropped. */
static int build(struct insp_pickle *p, struct insp_error *reterr) {
    uint32_t state, target;
    int r = pop(p, &state, reterr);
    if (r == 0)
        r = pop(p, &target, reterr);
    if (r)
        return r;
    struct insp_pickle_value *value = &p->value[target];
    if (value->kind == INSP_PICKLE_PARAMETER && !value->count) {
        if (p->value[state].kind != INSP_PICKLE_TUPLE || !p->value[state].count)
            return broken(p, "a parameter without a state", reterr);
        *value = p->value[state];
        value->kind = INSP_PICKLE_PARAMETER;
    }
    return push(p, target, reterr);
}

static int memoize(struct insp_pickle *p, size_t bytes, struct insp_error *reterr) {
    uint32_t key;
    int r = read_number(p, bytes, &key, reterr);
    if (r < 0)
        return r;
    if (key >= MEMO_MAX || !p->depth)
        return broken(p, "it memorises too much, or nothing", reterr);
    p->memo[key] = p->stack[p->depth - 1];
    return 0;
}

static int recall(struct insp_pickle *p, size_t bytes, struct insp_error *reterr) {
    uint32_t key;
    int r = read_number(p, bytes, &key, reterr);
    if (r < 0)
        return r;
    if (key >= MEMO_MAX || !p->memo[key])
        return broken(p, "it recalls what it has not memorised", reterr);
    return push(p, p->memo[key], reterr);
}

static int set_item(struct insp_pickle *p, size_t items, enum insp_pickle_kind kind, struct insp_error *reterr) {
    uint32_t item[2];
    int r = 0;
    for (size_t i = items; i-- && r == 0;)
        r = pop(p, &item[i], reterr);
    if (r == 0)
        r = check_top(p, 0, kind, reterr);
    for (size_t i = 0; i < items && r == 0; i++)
        r = append(p, p->stack[p->depth - 1], item[i], reterr);
    return r;
}

static int set_items(struct insp_pickle *p, enum insp_pickle_kind kind, struct insp_error *reterr) {
    int r = check_top(p, 1, kind, reterr);
    return r < 0 ? r : append_marked(p, 0, reterr);
}

static int push_kind(struct insp_pickle *p, enum insp_pickle_kind kind, int64_t number,
                     struct insp_error *reterr) {
    return push_new(p, (struct insp_pickle_value){.kind = kind, .number = number}, reterr);
}

static int storage(struct insp_pickle *p, struct insp_error *reterr) {
    uint32_t id;
    int r = pop(p, &id, reterr);
    return r ? r : push_as(p, id, INSP_PICKLE_STORAGE, 5, reterr);
}

/* Obeys an opcode that pushes a value; *ret_known says whether it is one. */
static int step_value(struct insp_pickle *p, uint8_t opcode, bool *ret_known, struct insp_error *reterr) {
    *ret_known = true;
    switch (opcode) {
    case '(':
        return push_kind(p, INSP_PICKLE_MARK, 0, reterr);
    case 'N':
        return push_kind(p, INSP_PICKLE_NONE, 0, reterr);
    case 0x88: /* NEWTRUE, NEWFALSE */
    case 0x89:
        return push_kind(p, INSP_PICKLE_INT, opcode == 0x88, reterr);
    case ')':
        return push_kind(p, INSP_PICKLE_TUPLE, 0, reterr);
    case ']':
        return push_kind(p, INSP_PICKLE_LIST, 0, reterr);
    case '}':
        return push_kind(p, INSP_PICKLE_DICT, 0, reterr);
    case 'K':
        return push_int(p, 1, reterr);
    case 'M':
        return push_int(p, 2, reterr);
    case 'J':
        return push_int(p, 4, reterr);
    case 0x8a: /* LONG1 */
        return push_long(p, reterr);
    case 'U': /* SHORT_BINSTRING */
        return push_text(p, 1, reterr);
    case 'X': /* BINUNICODE, BINSTRING */
    case 'T':
        return push_text(p, 4, reterr);
    case 'c':
        return push_name(p, reterr);
    default:
        *ret_known = false;
        return 0;
    }
}

static int step(struct insp_pickle *p, uint8_t opcode, struct insp_error *reterr) {
    bool known;
    int r = step_value(p, opcode, &known, reterr);
    if (known)
        return r;
    switch (opcode) {
    case 0x80: /* PROTO */
        return take(p, 1) ? 0 : broken(p, "it ends at its beginning", reterr);
    case 't':
        return tuple_of_marked(p, reterr);
    case 0x85: /* TUPLE1, TUPLE2, TUPLE3 */
    case 0x86:
    case 0x87:
        return push_tuple(p, opcode - 0x84U, reterr);
    case 'R':
        return reduce(p, reterr);
    case 0x81: /* NEWOBJ */
        return new_object(p, reterr);
    case 'b':
        return build(p, reterr);
    case 'Q': /* BINPERSID */
        return storage(p, reterr);
    case 's':
        return set_item(p, 2, INSP_PICKLE_DICT, reterr);
    case 'u':
        return set_items(p, INSP_PICKLE_DICT, reterr);
    case 'a':
        return set_item(p, 1, INSP_PICKLE_LIST, reterr);
    case 'e':
        return set_items(p, INSP_PICKLE_LIST, reterr);
    case 'q': /* BINPUT, LONG_BINPUT, BINGET, LONG_BINGET */
        return memoize(p, 1, reterr);
    case 'r':
        return memoize(p, 4, reterr);
    case 'h':
        return recall(p, 1, reterr);
    case 'j':
        return recall(p, 4, reterr);
    default:
        return insp_fail(reterr, INSP_E_MODEL, "byte %zu: pickle opcode 0x%02x does not belong in a state_dict",
                         p->at - 1, opcode);
    }
}

int insp_pickle_next(struct insp_pickle *p, const struct insp_pickle_value **ret, struct insp_error *reterr) {
    uint32_t value = 0;
    p->depth = 0;
    memset(p->memo, 0, sizeof p->memo);
    for (;;) {
        const uint8_t *opcode = take(p, 1);
        if (!opcode)
            return broken(p, "it has no end", reterr);
        int r = *opcode == '.' ? pop(p, &value, reterr) : step(p, *opcode, reterr);
        if (r)
            return r;
        if (*opcode == '.')
            break;
    }
    *ret = &p->value[value];
    return 0;
}

#include "core/model/pth/pickle.h"

#include "core/base/splitmix.h"
#include "tests/unit/harness.h"

#include <string.h>

/* OrderedDict() with "a": a tensor of storage "7", offset 1, shape (2, 3), strides (3, 1); the key is memorised.
 */
static const char state[] = "\x80\x02"
                            "ccollections\nOrderedDict\n)Rq\x01("
                            "X\x01\0\0\0aq\x02"
                            "ctorch._utils\n_rebuild_tensor\n(("
                            "U\x07storagectorch\nFloatStorage\nX\x01\0\0\0"
                            "7U\x03"
                            "cpuK\x64Nt"
                            "QK\x01K\x02K\x03\x86K\x03K\x01\x86tRh\x02K\x05u.";
/* The number that PyTorch's files begin with, and a negative one. */
static const char numbers[] =
    "\x80\x02](\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8\x50\x19J\xff\xff\xff\xff\x8a\x01\xfe\x88Ne.";

static struct insp_error err;

static struct insp_pickle *machine(const void *bytes, size_t count) {
    struct insp_pickle *pickle;
    ck_insp_ok(insp_pickle_new(bytes, count, &pickle, &err), err);
    return pickle;
}

START_TEST(values_of_a_state_dict) {
    _cleanup_(insp_pickle_freep) struct insp_pickle *p = machine(state, sizeof state - 1);
    const struct insp_pickle_value *dict;
    ck_insp_ok(insp_pickle_next(p, &dict, &err), err);
    ck_assert_uint_eq(insp_pickle_offset(p), sizeof state - 1);
    ck_assert(dict->kind == INSP_PICKLE_DICT && dict->count == 4);
    ck_assert(insp_pickle_is(insp_pickle_item(p, dict, 0), "a"));
    ck_assert(insp_pickle_is(insp_pickle_item(p, dict, 2), "a")); /* recalled */
    ck_assert(!insp_pickle_is(insp_pickle_item(p, dict, 1), "a"));
    ck_assert(insp_pickle_item(p, dict, 3)->number == 5 && !insp_pickle_item(p, dict, 4));
    const struct insp_pickle_value *tensor = insp_pickle_item(p, dict, 1),
                                   *storage = insp_pickle_item(p, tensor, 0);
    ck_assert(tensor->kind == INSP_PICKLE_TENSOR && storage->kind == INSP_PICKLE_STORAGE);
    ck_assert(insp_pickle_is(insp_pickle_item(p, storage, 2), "7"));
    ck_assert(insp_pickle_item(p, storage, 1)->number == INSP_PICKLE_FLOAT_STORAGE);
    ck_assert(insp_pickle_item(p, insp_pickle_item(p, tensor, 2), 1)->number == 3);
}
END_TEST

START_TEST(numbers_of_any_size) {
    _cleanup_(insp_pickle_freep) struct insp_pickle *p = machine(numbers, sizeof numbers - 1);
    const struct insp_pickle_value *list;
    ck_insp_ok(insp_pickle_next(p, &list, &err), err);
    ck_assert(list->kind == INSP_PICKLE_LIST && list->count == 5);
    ck_assert(insp_pickle_item(p, list, 0)->kind == INSP_PICKLE_LONG &&
              insp_pickle_item(p, list, 0)->length == 10);
    ck_assert(insp_pickle_item(p, list, 1)->number == -1 && insp_pickle_item(p, list, 2)->number == -2);
    ck_assert(insp_pickle_item(p, list, 3)->number == 1 && insp_pickle_item(p, list, 4)->kind == INSP_PICKLE_NONE);
}
END_TEST

/* Python 2 wrote a dictionary as a list of pairs, PyTorch 0.1 a parameter as an empty one or as one of its tensor.
 */
START_TEST(older_writers) {
    static const char pairs[] =
        "ccollections\nOrderedDict\n](](U\x01kctorch.nn.parameter\nParameter\n)\x81(K\x07Ntbe"
        "](U\x01mctorch.nn.parameter\nParameter\nK\x08\x85R(NNNtbee\x85R.";
    _cleanup_(insp_pickle_freep) struct insp_pickle *p = machine(pairs, sizeof pairs - 1);
    const struct insp_pickle_value *dict;
    ck_insp_ok(insp_pickle_next(p, &dict, &err), err);
    ck_assert(dict->kind == INSP_PICKLE_DICT && dict->count == 4);
    ck_assert(insp_pickle_is(insp_pickle_item(p, dict, 2), "m"));
    for (uint32_t i = 0; i < 2; i++) {
        const struct insp_pickle_value *parameter = insp_pickle_item(p, dict, 2 * i + 1);
        ck_assert(parameter->kind == INSP_PICKLE_PARAMETER);
        ck_assert_int_eq(insp_pickle_item(p, parameter, 0)->number, 7 + (int)i);
    }
}
END_TEST

START_TEST(a_program_is_refused_by_name) {
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"\x80\x02"
         "cposix\nsystem\nU\x02ls\x85R.",
         "the file asks for \"posix system\""},
        {"cos\nsystem\x1b\n.", "os system?"},
        {"(U\x02lsiposix\nsystem\n.", "opcode 0x69"},
        {"ctorch\nFloatStorage\n)R.", "calls a class"},
        {"ctorch\nFloatStorage\n)\x81.", "makes an object"},
        {"ccollections\nOrderedDict\n](K\x01"
         "e\x85R.",
         "something else than pairs"},
        {"U\x01xU\x01ya.", "extends what it must not"},
        {"(K\x01u.", "extends what it must not"},
        {"R.", "takes more from its stack"},
        {"(.", "takes more from its stack"},
        {"h\x01.", "recalls"},
        {"X\xff\xff\xff\xff", "ends within a text"},
        {"", "no end"},
    };
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        _cleanup_(insp_pickle_freep) struct insp_pickle *p = machine(bad[i].text, strlen(bad[i].text));
        const struct insp_pickle_value *value;
        ck_insp_code(insp_pickle_next(p, &value, &err), INSP_E_MODEL, err);
        ck_assert_msg(strstr(err.detail, bad[i].says) != NULL, "%s: %s", bad[i].says, err.detail);
    }
}
END_TEST

/* Reads all items, a few levels deep. */
static size_t walk(const struct insp_pickle *p, const struct insp_pickle_value *value, unsigned depth) {
    size_t seen = value->length;
    for (uint32_t i = 0; depth && i < value->count && i < 20; i++)
        seen += walk(p, insp_pickle_item(p, value, i), depth - 1);
    return seen;
}

START_TEST(damage_is_refused_or_read_within_its_bounds) {
    uint64_t random = 1;
    size_t refused = 0;
    for (size_t round = 0; round < 3000; round++) {
        size_t count = insp_splitmix(&random) % (sizeof state - 1) + 1;
        uint8_t *bytes = malloc(count); /* exactly as large, so that a sanitizer sees a step beyond */
        memcpy(bytes, state, count);
        for (size_t i = 0; i < 1 + round % 4; i++)
            bytes[insp_splitmix(&random) % count] = (uint8_t)insp_splitmix(&random);
        struct insp_pickle *p = machine(bytes, count);
        const struct insp_pickle_value *value;
        if (insp_pickle_next(p, &value, &err) < 0)
            refused++;
        else
            walk(p, value, 4);
        insp_pickle_free(p);
        free(bytes);
    }
    ck_assert_uint_gt(refused, 2000);
}
END_TEST

INSP_TESTS(older_writers, values_of_a_state_dict, numbers_of_any_size, a_program_is_refused_by_name,
           damage_is_refused_or_read_within_its_bounds);

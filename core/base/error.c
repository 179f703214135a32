#include "core/base/error.h"

#include "core/base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct row {
    int code, http;
    const char *wire, *title;
} rows[] = {
#define X(symbol, number, http, wire, title) {symbol, http, wire, title},
    INSP_ERROR_TABLE(X)
#undef X
};

static const struct row *find(int code) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return &rows[0];
}

const char *insp_code_wire(int code) {
    return find(code)->wire;
}

const char *insp_code_title(int code) {
    return find(code)->title;
}

int insp_code_http(int code) {
    return find(code)->http;
}

int insp_failv(struct insp_error *err, int code, const char *format, va_list args) {
    if (err) {
        err->code = code;
        vsnprintf(err->detail, sizeof err->detail, format, args);
        insp_utf8_clean(err->detail); /* it may hold a file name and may be cut; JSON takes only UTF-8 */
    }
    return code;
}

int(insp_fail)(struct insp_error *err, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    insp_failv(err, code, format, args);
    va_end(args);
    return code;
}

static int code_of_errno(int errnum) {
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return INSP_E_NOSPACE;
    case ENOMEM:
        return INSP_E_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return INSP_E_PERMISSION;
    default:
        return INSP_E_IO;
    }
}

int(insp_fail_errno)(struct insp_error *err, int errnum, const char *format, ...) {
    int code = code_of_errno(errnum);
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    insp_failv(err, code, format, args);
    va_end(args);
    size_t used = strlen(err->detail);
    char text[128];
    /* GNU strerror_r: thread-safe; it may return a static string and leave the buffer unused. */
    snprintf(err->detail + used, sizeof err->detail - used, ": %s", strerror_r(errnum, text, sizeof text));
    return code;
}

void insp_error_prefix(struct insp_error *err, const char *format, ...) {
    if (!err)
        return;
    char old[INSP_ERROR_DETAIL_BYTES];
    memcpy(old, err->detail, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    size_t used = strlen(err->detail);
    snprintf(err->detail + used, sizeof err->detail - used, ": %s", old);
    insp_utf8_clean(err->detail); /* it may hold a file name and may be cut; JSON takes only UTF-8 */
}

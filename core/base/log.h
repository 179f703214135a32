/* core/base/log.h - one line per event: "message key=value key=value".
 *
 * Level info and above belongs to api/ and daemon/ (where decisions are made); core/ logs at debug, and
 * at warning or error only where no caller could (a background thread). On a journal stream each line
 * carries systemd's "<n>" priority prefix, elsewhere an RFC 3339 time and the level's name.
 * All functions: any thread, one write(2) per line. A stderr that nobody reads holds callers up for a
 * second, and then for a tenth of the time at most; lines are dropped, and how many is said in the first that gets
 * through. */
#ifndef INSP_BASE_LOG_H
#define INSP_BASE_LOG_H

#include <stdbool.h>

enum insp_log_level { INSP_LOG_ERROR = 3, INSP_LOG_WARNING = 4, INSP_LOG_INFO = 6, INSP_LOG_DEBUG = 7 };

/* Lines above this level are dropped. Default INSP_LOG_INFO. */
void insp_log_set_level(enum insp_log_level level);
enum insp_log_level insp_log_level(void);

/* "error" | "warning" | "info" | "debug" -> level; false for any other text. */
bool insp_log_level_parse(const char *text, enum insp_log_level *ret_level);

/* Control characters in the formatted line (a hostile camera name, say) are written as '?', so that one
 * call is always one line. Lines are cut at 2047 bytes. */
void insp_log(enum insp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define insp_log_error(...) insp_log(INSP_LOG_ERROR, __VA_ARGS__)
#define insp_log_warning(...) insp_log(INSP_LOG_WARNING, __VA_ARGS__)
#define insp_log_info(...) insp_log(INSP_LOG_INFO, __VA_ARGS__)
#define insp_log_debug(...) insp_log(INSP_LOG_DEBUG, __VA_ARGS__)

#endif

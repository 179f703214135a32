/* core/store/retention/swept.h - describes the outcome of a sweep of the store. */
#ifndef INSP_STORE_RETENTION_SWEPT_H
#define INSP_STORE_RETENTION_SWEPT_H

#include <stdint.h>

/* Alarms: bits that ask for a person. */
enum insp_retention_alarm {
    INSP_ALARM_CLOCK = 1,      /* the wall clock is doubted: nothing is removed by age */
    INSP_ALARM_SPACE = 2,      /* little of the disk is free: images are or soon will be removed */
    INSP_ALARM_HELD = 4,       /* bounds or reserve keep more than the limits want */
    INSP_ALARM_ORPHANS = 8,    /* too many image files without a row: the database may be the wrong one */
    INSP_ALARM_QUARANTINE = 16 /* the quarantine is full: orphans stay in place */
};
enum { INSP_ALARMS = 5 };
/* Returns the name of one bit: "clock"... */
const char *insp_retention_alarm_name(unsigned alarm);

struct insp_retention_result {
    uint64_t aged;          /* rows removed by age, with their images */
    uint64_t images, bytes; /* image files removed, by age and by space */
    uint64_t quarantined;   /* image files without a row, moved to the quarantine */
    uint64_t expired;       /* files removed from the quarantine */
    uint64_t orphans;       /* image files without a row in the last complete walk, or so far in this one */
    uint64_t quarantine_bytes;
    unsigned alarms;
};

#endif

/* core/dataset/class_name.h - checks and classifies the names of a dataset's class folders. Pure functions of a
 * NUL-terminated name; any thread. */
#ifndef INSP_DATASET_CLASS_NAME_H
#define INSP_DATASET_CLASS_NAME_H

#include <stdbool.h>

/* States the rule of insp_class_name_valid for error details. */
#define INSP_CLASS_NAME_RULE                                                                                      \
    "1 to 64 bytes of UTF-8 without control characters, '/' or '\\\\', not starting with a dot, and not a name "  \
    "reserved by operating systems or NAS devices"

/* Returns true if a new class, or the defect of a label, may have this name: INSP_CLASS_NAME_RULE. */
bool insp_class_name_valid(const char *name);

/* Returns true if the name means the class good: "good" or "ok", in any case. */
bool insp_class_name_good(const char *name);

/* Returns true for files and folders that operating systems and NAS devices create by themselves, in any case:
 * @eaDir, Thumbs.db, lost+found... */
bool insp_class_name_system(const char *name);

#endif

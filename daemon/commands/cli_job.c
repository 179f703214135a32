#include "core/jobs/process/job_child.h"
#include "daemon/cli/cli.h"

#include <stdio.h>
#include <sys/stat.h>

int cli_job(void) {
    struct stat st;
    if (fstat(INSP_JOB_SOCKET_FD, &st) == 0 && S_ISSOCK(st.st_mode))
        return insp_job_child() == 0 ? CLI_OK : CLI_FAILED;
    fprintf(stderr, "inspectd: job: only the daemon uses this command; it starts it for each job\n");
    return CLI_USAGE;
}

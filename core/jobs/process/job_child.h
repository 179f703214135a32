/* core/jobs/process/job_child.h - the process that does one job, for the daemon that started it (job_process.h). A
 * fault of a job - a crash, an abort inside libtorch, the memory running out - ends this process and no
 * inspection. */
#ifndef INSP_JOBS_PROCESS_JOB_CHILD_H
#define INSP_JOBS_PROCESS_JOB_CHILD_H

/* Where the daemon leaves its ends of the conversation. */
enum { INSP_JOB_SOCKET_FD = 3, INSP_JOB_BUSY_FD = 4 };

/* Lowers this process's priority (nice 19, SCHED_BATCH, idle disk priority, first in line for the OOM killer),
 * reads a request from the socket, does the job within its memory limit, and reports. The process ends with the
 * daemon: by PR_SET_PDEATHSIG and at the end of the stream. SIGINT, SIGTERM and SIGHUP are ignored: the daemon,
 * which gets them too, decides. Blocks until the job is done; the main thread of a process of its own. Returns an
 * exit code: 0 where the outcome was reported. */
int insp_job_child(void);

#endif

#include "process.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "channel.h"

static pid_t owner;
/* A stack overflow leaves no room on the stack for its own handler. */
static char handler_stack[(size_t)64 * 1024];

static bool is_fault(int signal_number)
{
    return signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGFPE ||
           signal_number == SIGILL;
}

/* Runs with the signal blocked: what is raised here is delivered on return. A fault that the
 * processor reported happens again on return, now with the default action, and keeps its own
 * details for the debugger. */
static void on_fatal(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    if (getpid() == owner) {
        channel_flush_dying();
    }
    struct sigaction plain = {.sa_handler = SIG_DFL};
    (void)sigaction(signal_number, &plain, NULL);
    if (!is_fault(signal_number) || info->si_code <= 0) {
        (void)raise(signal_number);
    }
}

void process_flush_on_death(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGXCPU};
    owner = getpid();
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    (void)sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        (void)sigaction(signals[i], &action, NULL);
    }
}

bool process_no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool process_die_with_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

bool process_adopt_orphans(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

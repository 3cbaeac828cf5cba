using System.Runtime.InteropServices;

namespace Scheduler.Storage.Tests;

/// <summary>A seccomp(2) filter as a container's policy sets one, but on one thread.</summary>
internal static unsafe partial class SystemCallFilter
{
    /// <summary>The number of io_uring_setup(2).</summary>
    public const uint IoUringSetup = 425;

    private const int NoNewPrivileges = 38;
    private const int SetSeccomp = 22;
    private const nuint FilterMode = 2;

    private const ushort LoadWord = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;
    private const uint Refuse = 0x0005_0000;
    private const uint Allow = 0x7fff_0000;

    /// <summary>Runs an action on a new thread whose system calls of that number fail with the errno.</summary>
    public static void Run(uint number, int errno, Action action)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Install(number, errno);
                action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
    }

    private static void Install(uint number, int errno)
    {
        // The number of the call is the first word of what the filter is given (struct seccomp_data).
        Instruction* program = stackalloc Instruction[4];
        program[0] = new Instruction(LoadWord, 0, 0, 0);
        program[1] = new Instruction(JumpIfEqual, 0, 1, number);
        program[2] = new Instruction(Return, 0, 0, Refuse | (uint)errno);
        program[3] = new Instruction(Return, 0, 0, Allow);
        Filter filter = new() { Length = 4, Program = program };
        Assert.Equal(0, PrCtl(NoNewPrivileges, 1, 0, 0, 0));
        Assert.Equal(0, PrCtl(SetSeccomp, FilterMode, (nuint)(&filter), 0, 0));
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int PrCtl(int option, nuint a2, nuint a3, nuint a4, nuint a5);

    // struct sock_filter
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    // struct sock_fprog
    private struct Filter
    {
        public ushort Length;
        public Instruction* Program;
    }
}

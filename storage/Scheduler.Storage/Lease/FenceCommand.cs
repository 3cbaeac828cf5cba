// A fence that is a program of the operator's: it ends the old owner, on whatever node that ran, and waits for the end.
//
// It is run as COMMAND [ARGUMENT...] VOLUME NODE PROCESS STARTED BOOT, the last four being the old owner's (see LeaseOwner). Its
// exit code 0 means: that process writes no more, and its I/O has ended. It is 0 also for a process that is gone already. Any
// other code, a signal, or no end within the time limit: nothing is known, and it is run again.
//
// The end of a process is not always the end of its I/O: what it had given to a device through io_uring the kernel finishes
// without it. The program waits for that too, for example until both numbers in /sys/block/DEVICE/inflight of the old owner's
// node are 0; or it cuts that node off from power or storage.
//
// It is not run for an owner that gave the volume back: that has ended its I/O itself, and serves other volumes.
//
// It runs in a session and process group of its own. When it has ended, or its time has, what is left of the group is killed:
// no attempt goes on beside the next one.
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Scheduler.Storage.Native;

namespace Scheduler.Storage.Lease;

/// <summary>Fences with a program. Its last line on standard error is told; what else it writes is dropped.</summary>
/// <param name="command">The program, found in <c>PATH</c> or by its path, and its first arguments. No shell reads them.</param>
/// <param name="timeMax">How long it may take.</param>
public sealed class FenceCommand(IReadOnlyList<string> command, TimeSpan timeMax) : IFence
{
    // setsid(1) of util-linux, a package that every Debian has. It becomes the program, under the same process id.
    private const string OwnSession = "setsid";

    // A process that has left the group may keep the streams open.
    private static readonly TimeSpan s_lastWordsMax = TimeSpan.FromSeconds(1);

    private readonly string[] _command = command.Count > 0 && command[0].Length > 0
        ? [.. command]
        : throw new ArgumentException("a fence's command names no program", nameof(command));

    /// <inheritdoc/>
    public async Task<FenceAnswer> ExcludeAsync(string volume, FormerOwner former, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(former);
        cancellation.ThrowIfCancellationRequested();
        if (former.HasLeft)
            return new FenceAnswer(true, "");
        string program = _command[0];
        Process process;
        try
        {
            process = Start(volume, former.Owner);
        }
        catch (Win32Exception e)
        {
            return new FenceAnswer(false, $"{program} can't be started by {OwnSession} of util-linux ({e.Message})");
        }

        using (process)
        {
            OutputTail error = new(process.StandardError);
            OutputTail output = new(process.StandardOutput);
            process.StandardInput.Close();
            bool ended = await EndAsync(process, cancellation);
            _ = await Task.WhenAny(Task.WhenAll(error.Ended, output.Ended), Task.Delay(s_lastWordsMax, CancellationToken.None));
            cancellation.ThrowIfCancellationRequested();
            string said = error.LastLine.Length > 0 ? error.LastLine : output.LastLine;
            string how = ended ? $"ended with {process.ExitCode}" : $"was killed after {timeMax.TotalSeconds:0.###} s";
            return new FenceAnswer(ended && process.ExitCode == 0, $"{program} {how}{(said.Length > 0 ? ": " : "")}{said}");
        }
    }

    private Process Start(string volume, LeaseOwner owner) => Process.Start(new ProcessStartInfo(
        OwnSession,
        [
            .. _command,
            volume,
            owner.Node,
            owner.ProcessId.ToString(CultureInfo.InvariantCulture),
            owner.Started.ToString(CultureInfo.InvariantCulture),
            owner.Boot.ToString("D"),
        ])
    {
        WorkingDirectory = "/",
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    // Whether it ended by itself.
    private async Task<bool> EndAsync(Process process, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeMax);
        bool ended = true;
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // First itself: then it can't begin a group after the group was killed.
            ended = false;
            process.Kill();
        }

        _ = LibC.Kill(-process.Id, LibC.KillSignal);
        return ended;
    }

    /// <summary>The end of what a program writes to a stream.</summary>
    private sealed class OutputTail
    {
        private const int LengthMax = 500;
        private volatile string _tail = "";

        public OutputTail(StreamReader stream) => Ended = ReadAsync(stream);

        public Task Ended { get; }

        /// <summary>Its last line that is not blank, or the end of that.</summary>
        public string LastLine =>
            new([.. (_tail.Split('\n').LastOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? "").Trim().Select(c => char.IsControl(c) ? ' ' : c)]);

        private async Task ReadAsync(StreamReader stream)
        {
            char[] buffer = new char[4096];
            try
            {
                for (int count; (count = await stream.ReadAsync(buffer)) > 0;)
                {
                    string tail = _tail + new string(buffer, 0, count);
                    _tail = tail.Length > LengthMax ? tail[^LengthMax..] : tail;
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Nobody waits for it any more.
            }
        }
    }
}

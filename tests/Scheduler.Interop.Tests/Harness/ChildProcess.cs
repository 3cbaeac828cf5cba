using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>A process that runs beside the test. It is killed, by its id, when the test is over.</summary>
internal sealed partial class ChildProcess : IDisposable
{
    private const int SIGHUP = 1;
    private const int SIGINT = 2;
    private const int SIGTERM = 15;
    private const int SIGCONT = 18;
    private const int SIGSTOP = 19;

    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly string _name;

    /// <param name="program">Path, or a name that is looked up.</param>
    /// <param name="arguments">Arguments.</param>
    /// <param name="directory">Working directory; also where it keeps temporary files.</param>
    public ChildProcess(string program, IEnumerable<string> arguments, string directory)
    {
        _name = Path.GetFileName(program);
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Tool.SetEnvironment(start);
        start.Environment["TMPDIR"] = directory;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += Received;
        _process.ErrorDataReceived += Received;
        _ = _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it has printed so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Bytes of memory that are resident.</summary>
    public long ResidentBytes
    {
        get
        {
            string status = File.ReadAllText($"/proc/{Id}/status");
            return long.Parse(ResidentKib().Match(status).Groups[1].ValueSpan) << 10;
        }
    }

    public void Terminate() => Signal(SIGTERM);

    public void Interrupt() => Signal(SIGINT);

    public void Hangup() => Signal(SIGHUP);

    /// <summary>Stops it from running, until <see cref="Continue"/>.</summary>
    public void Suspend() => Signal(SIGSTOP);

    public void Continue() => Signal(SIGCONT);

    /// <summary>kill -9, also of what it has started, and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Waits until something holds, or fails with the process's output.</summary>
    public void WaitUntil(Func<bool> holds, TimeSpan limit, string what)
    {
        Stopwatch time = Stopwatch.StartNew();
        while (!holds())
        {
            if (HasExited || time.Elapsed > limit)
            {
                // With all that it has written; what it has started may keep that open.
                if (HasExited)
                    _ = _process.WaitForExitAsync().Wait(TimeSpan.FromSeconds(5));
                string fate = HasExited
                    ? $"ended with code {_process.ExitCode}"
                    : $"needs more than {limit.TotalSeconds} s";
                throw new InvalidOperationException($"{_name} {fate}: {what}\n{Log}");
            }

            Thread.Sleep(5);
        }
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public int WaitForExit(TimeSpan limit)
    {
        if (!_process.WaitForExit(limit))
            throw new TimeoutException($"{_name} does not end within {limit.TotalSeconds} s\n{Log}");
        _process.WaitForExit(); // For its last output.
        return _process.ExitCode;
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (Kill(Id, signal) != 0)
            throw new InvalidOperationException($"{_name} can't be signalled\n{Log}");
    }

    private void Received(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
            return;
        lock (_log)
            _log.AppendLine(line.Data);
    }

    [GeneratedRegex(@"VmRSS:\s+(\d+) kB")]
    private static partial Regex ResidentKib();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}

using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>
/// A disk whose power can be cut: a file on nbdfuse, over an nbdkit whose cache is volatile. Killing that nbdkit loses
/// what was not flushed; what is left is in <see cref="RawPath"/>. The log filter sees what the disk is asked, in
/// order.
/// </summary>
internal sealed class VolatileDisk : IDisposable
{
    private static readonly TimeSpan s_startTimeMax = TimeSpan.FromSeconds(20);

    private readonly TemporaryDirectory _directory;
    private readonly string[] _stack;
    private ChildProcess? _kit;
    private ChildProcess? _fuse;
    private int _starts;

    /// <param name="directory">For all its files.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="cache">writeback is an honest disk; unsafe one that acknowledges flushes and does nothing; null is one
    /// without a cache.</param>
    /// <param name="writeMs">How long each write takes at least.</param>
    public VolatileDisk(TemporaryDirectory directory, long size, string? cache = "writeback", int writeMs = 0)
    {
        Requires.Tool("nbdkit", "nbdfuse", "fusermount3");
        Requires.That(File.Exists("/dev/fuse"), "there is no FUSE here");
        _directory = directory;
        string[] filters = ["--filter=log", .. cache is null ? (string[])[] : ["--filter=cache"], "--filter=delay"];
        _stack = [.. filters, "file", RawPath, $"delay-write={writeMs}ms", .. cache is null ? (string[])[] : [$"cache={cache}"]];
        using (FileStream raw = File.Create(RawPath))
            raw.SetLength(size);
        File.WriteAllBytes(VolumePath, []);
    }

    /// <summary>What the platter holds.</summary>
    public string RawPath => _directory.File("raw");

    /// <summary>The file for the volume.</summary>
    public string VolumePath => _directory.File("vol.img");

    /// <summary>What the disk was asked since it has power.</summary>
    public DiskLog Log => new(_directory.File($"log{_starts}"));

    public void PowerOn()
    {
        _starts++;
        string socket = _directory.File($"kit{_starts}.sock");
        _kit = new ChildProcess("nbdkit", ["-f", "-U", socket, .. _stack, $"logfile={Log.Path}"], _directory.Path);
        _kit.WaitUntil(() => File.Exists(socket), s_startTimeMax, "no socket");
        _fuse = new ChildProcess("nbdfuse", [VolumePath, "--unix", socket], _directory.Path);
        try
        {
            _fuse.WaitUntil(IsMounted, s_startTimeMax, "no file");
        }
        catch (InvalidOperationException exception) when (_fuse.HasExited)
        {
            Requires.That(false, $"FUSE does not work here: {exception.Message}");
        }
    }

    /// <summary>From here on it answers nothing, until <see cref="Resume"/>.</summary>
    public void Stall() => _kit!.Suspend();

    public void Resume() => _kit!.Continue();

    /// <summary>The power goes: from here on nothing reaches the platter.</summary>
    public void CutPower() => _kit!.Kill();

    /// <summary>Takes away what is left after a cut; nobody may have the file open.</summary>
    public void Remove()
    {
        if (_fuse is null)
            return;
        if (IsMounted() && Tool.Run("fusermount3", "-u", VolumePath).Status != 0)
            Tool.Run("umount", "--lazy", VolumePath);
        _fuse.Dispose();
        _fuse = null;
        _kit!.Dispose();
        _kit = null;
    }

    public void Dispose()
    {
        _kit?.Kill();
        Remove();
        _kit?.Dispose();
    }

    private bool IsMounted() =>
        File.ReadLines("/proc/self/mountinfo").Any(line => line.Contains($" {VolumePath} ", StringComparison.Ordinal));
}

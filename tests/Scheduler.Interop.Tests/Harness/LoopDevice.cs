namespace Scheduler.Interop.Tests.Harness;

/// <summary>A block device of the kernel, over a file.</summary>
internal sealed class LoopDevice : IDisposable
{
    /// <param name="file">What lies behind it.</param>
    public LoopDevice(string file)
    {
        Requires.Tool("losetup");
        ToolResult attach = Tool.Run("losetup", "--find", "--show", file);
        Requires.That(attach.Status == 0, $"loop devices can't be set up here: {attach.Error}");
        Path = attach.Output;
    }

    public string Path { get; }

    /// <summary>Bytes that may be dirty in the page cache before who dirties more has to wait.</summary>
    public void BoundDirty(long bytes)
    {
        string knobs = $"/sys/block/{System.IO.Path.GetFileName(Path)}/bdi";
        Requires.That(File.Exists($"{knobs}/max_bytes"), "this kernel bounds no single device's dirty pages");
        File.WriteAllText($"{knobs}/strict_limit", "1");
        File.WriteAllText($"{knobs}/max_bytes", $"{bytes}");
    }

    public void Dispose()
    {
        // The next user of the same number finds it as it was.
        string knobs = $"/sys/block/{System.IO.Path.GetFileName(Path)}/bdi";
        if (File.Exists($"{knobs}/strict_limit"))
        {
            File.WriteAllText($"{knobs}/strict_limit", "0");
            File.WriteAllText($"{knobs}/max_ratio", "100");
        }

        Tool.Run("losetup", "--detach", Path);
    }
}

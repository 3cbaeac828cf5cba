namespace Scheduler.Interop.Tests.Harness;

/// <summary>A file system in memory that is soon full.</summary>
internal sealed class SmallFileSystem : IDisposable
{
    /// <param name="directory">Where it is mounted, in a folder of its own.</param>
    /// <param name="mib">Its size.</param>
    public SmallFileSystem(TemporaryDirectory directory, int mib)
    {
        Requires.Tool("mount", "umount");
        Path = Directory.CreateDirectory(directory.File("small")).FullName;
        ToolResult mount = Tool.Run("mount", "-t", "tmpfs", "-o", $"size={mib}m", "none", Path);
        Requires.That(mount.Status == 0, $"mounting is not permitted here: {mount.Error}");
    }

    public string Path { get; }

    /// <summary>Makes it larger.</summary>
    public void Grow(int mib) => Tool.Run("mount", "-o", $"remount,size={mib}m", Path).Succeeded();

    public void Dispose() => Tool.Run("umount", "--lazy", Path);
}

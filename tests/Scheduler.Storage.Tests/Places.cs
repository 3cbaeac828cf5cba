namespace Scheduler.Storage.Tests;

/// <summary>A directory of its own, removed afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("scheduler-storage-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A loop block device over a sparse file.</summary>
internal sealed class LoopDevice : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    /// <param name="size">Bytes.</param>
    /// <param name="parent">Where the file lies; null: in a directory of its own.</param>
    public LoopDevice(long size, string? parent = null)
    {
        try
        {
            Requires.Tool("losetup");
            string file = parent == null ? _directory.File("backing") : System.IO.Path.Combine(parent, "backing");
            using (FileStream stream = File.Create(file))
                stream.SetLength(size);
            (int status, string output, string error) = Command.Run("losetup", "--find", "--show", file);
            Requires.That(status == 0, $"losetup does not work here: {error}");
            Path = output;
        }
        catch
        {
            _directory.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public void Dispose()
    {
        Command.Run("losetup", "--detach", Path);
        _directory.Dispose();
    }
}

/// <summary>A file system that is mounted for a test: a small one in memory, or one on a loop device.</summary>
internal sealed class TemporaryFileSystem : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public TemporaryFileSystem(long size)
        : this("-t", "tmpfs", "-o", $"size={size}", "none")
    {
    }

    private TemporaryFileSystem(params string[] what)
    {
        try
        {
            Requires.Tool("mount", "umount");
            (int status, _, string error) = Command.Run("mount", [.. what, Path]);
            Requires.That(status == 0, $"mounting is not permitted here: {error}");
        }
        catch
        {
            _directory.Dispose();
            throw;
        }
    }

    public string Path => _directory.Path;

    public static TemporaryFileSystem On(LoopDevice device) => new([device.Path]);

    public string File(string name) => _directory.File(name);

    public void Dispose()
    {
        Command.Run("umount", "--lazy", Path);
        _directory.Dispose();
    }
}

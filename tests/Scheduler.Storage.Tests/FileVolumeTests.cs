namespace Scheduler.Storage.Tests;

public sealed class FileVolumeTests : IDisposable
{
    private const long Size = 1 << 20;

    private readonly TemporaryDirectory _directory = new();

    private string Volume => _directory.File("volume");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_missing_file_is_made_sparse_and_keeps_its_size()
    {
        using (FileVolume created = FileVolume.Open(Options() with { Size = Size }))
            Assert.Equal(Size, created.Size);

        using FileVolume again = FileVolume.Open(Options());
        Assert.Equal(Size, again.Size);
        Assert.Equal(512, again.BlockSize);
        Assert.False(again.IsBlockDevice);
    }

    [Fact]
    public void A_preallocated_file_has_its_space()
    {
        using FileVolume volume = FileVolume.Open(Options() with { Size = Size, Preallocate = true });

        (_, string blocks, _) = Command.Run("stat", "-c", "%b", Volume);
        Assert.True(long.Parse(blocks, System.Globalization.CultureInfo.InvariantCulture) * 512 >= Size);
    }

    [Fact]
    public void An_empty_file_counts_as_not_yet_created()
    {
        File.WriteAllBytes(Volume, []);

        using FileVolume volume = FileVolume.Open(Options() with { Size = Size });

        Assert.Equal(Size, volume.Size);
    }

    [Fact]
    public void Only_the_given_size_of_a_larger_file_is_used()
    {
        File.WriteAllBytes(Volume, new byte[2 * Size]);

        using FileVolume volume = FileVolume.Open(Options() with { Size = Size });

        Assert.Equal(Size, volume.Size);
        Assert.Equal(2 * Size, new FileInfo(Volume).Length);
    }

    [Fact]
    public void A_file_that_is_too_short_is_refused_with_both_sizes()
    {
        File.WriteAllBytes(Volume, new byte[8192]);

        VolumeOpenException e = Refused(Options() with { Size = Size });

        Assert.Contains("8192", e.Message, StringComparison.Ordinal);
        Assert.Contains("1048576", e.Message, StringComparison.Ordinal);
        Assert.Equal(8192, new FileInfo(Volume).Length);
    }

    [Fact]
    public void A_missing_file_without_a_size_is_refused()
    {
        Assert.Equal(2, Refused(Options()).Error);
        Assert.False(File.Exists(Volume));
    }

    [Theory]
    [InlineData(-4096)]
    [InlineData(1000)]
    public void An_odd_size_is_refused(long size)
    {
        Assert.Contains($"{size}", Refused(Options() with { Size = size }).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Volume));
    }

    [Fact]
    public void A_directory_is_refused() =>
        Refused(Options() with { Path = _directory.Path, Size = Size });

    [Fact]
    public void A_character_device_is_refused() => Refused(Options() with { Path = "/dev/null", Size = Size });

    [Fact]
    public void A_missing_directory_is_refused() =>
        Refused(Options() with { Path = _directory.File("no/volume"), Size = Size });

    [Fact]
    public void A_file_below_one_block_is_refused()
    {
        File.WriteAllBytes(Volume, new byte[100]);
        Refused(Options());
    }

    [Fact]
    public void An_impossible_size_leaves_no_file_behind()
    {
        Refused(Options() with { Size = long.MaxValue - 4095 });
        Assert.False(File.Exists(Volume));
    }

    [Theory]
    [InlineData(CacheMode.Buffered)]
    [InlineData(CacheMode.Direct)]
    public void A_second_opener_is_refused_until_the_first_closes(CacheMode cache)
    {
        VolumeOptions options = Options() with { Size = Size, Cache = cache };
        using (FileVolume.Open(options))
            Assert.Contains("in use", Refused(options).Message, StringComparison.Ordinal);

        FileVolume.Open(options).Dispose();
    }

    [SkippableFact]
    public void Another_process_is_refused()
    {
        // QEMU locks byte ranges of its images in the same way.
        Requires.Tool("qemu-io");
        using (FileVolume.Open(Options() with { Size = Size }))
        {
            (int status, string output, string error) = Qemu();
            Assert.NotEqual(0, status);
            Assert.Contains("lock", output + error, StringComparison.Ordinal);
        }

        Assert.Equal(0, Qemu().Status);

        (int Status, string Output, string Error) Qemu() =>
            Command.Run("qemu-io", "-f", "raw", "-c", "write 0 4096", Volume);
    }

    [SkippableFact]
    public void A_block_device_tells_its_size_and_is_locked()
    {
        using LoopDevice loop = new(Size);
        VolumeOptions options = new() { Path = loop.Path };
        using FileVolume volume = FileVolume.Open(options);

        Assert.True(volume.IsBlockDevice);
        Assert.Equal(Size, volume.Size);
        Assert.Contains("in use", Refused(options).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_block_device_that_is_too_small_is_refused()
    {
        using LoopDevice loop = new(Size);
        Refused(new VolumeOptions { Path = loop.Path, Size = 2 * Size });
    }

    [SkippableFact]
    public void Preallocation_without_space_is_refused_and_leaves_nothing()
    {
        using TemporaryFileSystem small = new(Size);
        string path = small.File("volume");

        VolumeOpenException e = Refused(Options() with { Path = path, Size = 4 * Size, Preallocate = true });

        Assert.Equal(Errno.ENOSPC, e.Error);
        Assert.False(File.Exists(path));
    }

    private VolumeOptions Options() => new() { Path = Volume, Cache = CacheMode.Buffered };

    private static VolumeOpenException Refused(VolumeOptions options)
    {
        VolumeOpenException e = Assert.Throws<VolumeOpenException>(() => FileVolume.Open(options));
        Assert.Contains(options.Path, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        return e;
    }
}

namespace Scheduler.Storage.Tests;

public sealed class FaultMarkerTests : IDisposable
{
    private static readonly Fault s_fault =
        new(2, Errno.EIO, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), "flush failed: \"EIO\"\nsecond line é");

    private readonly TemporaryDirectory _directory = new();
    private readonly FaultMarker _marker;

    public FaultMarkerTests() => _marker = new FaultMarker(_directory.File("volume.fault"));

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void There_is_none_at_first() => Assert.Null(_marker.Read());

    [Fact]
    public void What_was_written_is_read_by_the_next_service()
    {
        _marker.Write(s_fault);

        Assert.Equal(s_fault, new FaultMarker(_marker.Path).Read());
        Assert.Equal([_marker.Path], Directory.GetFiles(_directory.Path));
    }

    [Fact]
    public void A_later_fault_takes_the_place_of_an_earlier_one()
    {
        _marker.Write(s_fault with { Text = new string('x', 1000) });
        _marker.Write(s_fault);

        Assert.Equal(s_fault, _marker.Read());
    }

    [Fact]
    public void The_stored_form_is_one_line_that_stays_the_same()
    {
        _marker.Write(s_fault with { Text = "flush failed" });

        Assert.Equal(
            """{"version":1,"domain":2,"errno":5,"time":"2026-01-02T03:04:05.0000000+00:00","text":"flush failed"}""" + "\n",
            File.ReadAllText(_marker.Path));
    }

    [Fact]
    public void Clearing_removes_it_and_can_be_repeated()
    {
        _marker.Write(s_fault);

        _marker.Clear();
        _marker.Clear();

        Assert.Null(_marker.Read());
        Assert.Empty(Directory.GetFiles(_directory.Path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"version\":2,\"domain\":0,\"errno\":5,\"time\":\"2026-01-02T03:04:05Z\",\"text\":\"\"}")]
    [InlineData("{\"version\":1,\"domain\":\"0\",\"errno\":5,\"time\":\"2026-01-02T03:04:05Z\",\"text\":\"\"}")]
    [InlineData("{\"version\":1,\"domain\":0,\"errno\":5,\"time\":\"soon\",\"text\":\"\"}")]
    public void A_corrupt_marker_is_a_fault(string content)
    {
        File.WriteAllText(_marker.Path, content);

        Fault? fault = _marker.Read();

        Assert.NotNull(fault);
        Assert.Equal(Errno.EIO, fault.Error);
        Assert.Contains(_marker.Path, fault.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unreadable_marker_is_a_fault()
    {
        Directory.CreateDirectory(_marker.Path);
        Assert.NotNull(_marker.Read());
    }

    [Fact]
    public void A_marker_that_was_not_finished_is_a_fault_until_it_is_cleared()
    {
        File.WriteAllText(_marker.Path + ".new", "{");
        Assert.NotNull(_marker.Read());

        _marker.Clear();

        Assert.Null(_marker.Read());
    }

    [Fact]
    public void A_marker_that_cannot_be_written_throws()
    {
        FaultMarker nowhere = new(_directory.File("missing/volume.fault"));
        Assert.Throws<IOException>(() => nowhere.Write(s_fault));
    }

    [Fact]
    public void It_lies_beside_the_file()
    {
        VolumeOptions options = new() { Path = "/srv/a-b/volume" };

        Assert.Equal("/srv/a-b/volume.fault", FaultMarker.For(options)!.Path);
        Assert.Equal("/srv/a-b/volume.fault", FaultMarker.For(options with { MarkerDirectory = _directory.Path })!.Path);
        Assert.Null(FaultMarker.For(new VolumeOptions { Device = DeviceKind.Memory, Size = 4096 }));
    }

    [SkippableFact]
    public void A_block_device_needs_a_directory()
    {
        using LoopDevice loop = new(1 << 20);
        VolumeOptions options = new() { Path = loop.Path };

        Assert.Throws<VolumeOpenException>(() => FaultMarker.For(options));
        Assert.Equal(
            _directory.File(Uri.EscapeDataString(loop.Path.TrimStart('/')) + ".fault"),
            FaultMarker.For(options with { MarkerDirectory = _directory.Path })!.Path);
        Assert.Throws<VolumeOpenException>(
            () => FaultMarker.For(options with { MarkerDirectory = _directory.File("missing") }));
    }
}

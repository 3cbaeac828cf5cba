using System.Diagnostics;
using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Lease;

public sealed class LeaseOwnerTests
{
    private const string Boot = "1f0d1d5e-3c1b-4c3e-9d40-0b6cbb1ff0a6";

    [Fact]
    public void Its_name_is_pinned()
    {
        LeaseOwner owner = new("node-1.example", 4711, 88123, Guid.Parse(Boot));
        Assert.Equal($"node-1.example/4711/88123/{Boot}", owner.ToString());
        Assert.Equal(owner, LeaseOwner.Parse(owner.ToString()));
    }

    [Fact]
    public void The_name_of_one_that_has_left_is_pinned()
    {
        string name = $"node/4711/88123/{Boot}/left";
        LeaseOwner owner = LeaseOwner.Parse($"node/4711/88123/{Boot}");
        Assert.Equal(name, new FormerOwner(owner, HasLeft: true).ToString());
        Assert.Equal(new FormerOwner(owner, HasLeft: true), FormerOwner.Parse(name));
        Assert.Equal(new FormerOwner(owner, HasLeft: false), FormerOwner.Parse(owner.ToString()));
        _ = Assert.Throws<FormatException>(() => FormerOwner.Parse(name + "/left"));
    }

    [Fact]
    public void This_process_is_named_after_its_boot_and_its_start()
    {
        LeaseOwner owner = LeaseOwner.ThisProcess("me");
        Assert.Equal((Environment.ProcessId, owner), (owner.ProcessId, LeaseOwner.ThisProcess("me")));
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), owner.Boot.ToString());

        // Clock ticks are hundredths of a second on every Linux; the runtime reckons back from the same field.
        TimeSpan age = TimeSpan.FromMicroseconds(BootClock.NowNs / 1000) - TimeSpan.FromMilliseconds(owner.Started * 10);
        using Process process = Process.GetCurrentProcess();
        Assert.InRange(age - (DateTime.Now - process.StartTime), TimeSpan.FromSeconds(-5), TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData("")]
    [InlineData("node")]
    [InlineData("/1/2/" + Boot)]
    [InlineData("-node/1/2/" + Boot)]
    [InlineData("no de/1/2/" + Boot)]
    [InlineData("node/0/2/" + Boot)]
    [InlineData("node/-1/2/" + Boot)]
    [InlineData("node/4294967297/2/" + Boot)]
    [InlineData("node/1/2/3/" + Boot)]
    [InlineData("node/1/2/" + Boot + "\n")]
    [InlineData("node/1/2/1f0d1d5e3c1b4c3e9d400b6cbb1ff0a6")]
    public void What_is_no_name_is_said(string name) =>
        Assert.Contains($"'{name}'", Assert.Throws<FormatException>(() => LeaseOwner.Parse(name)).Message, StringComparison.Ordinal);
}

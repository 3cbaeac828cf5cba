namespace Scheduler.Host.Tests.Configuration;

public class KnownKeysTests
{
    [Theory]
    [InlineData("scheduler.volumes.vol0.depht = 4", "scheduler.volumes.vol0.depht: unknown key; did you mean scheduler.volumes.vol0.depth?")]
    [InlineData("scheduler.volumes.vol0.Depth = 4", "scheduler.volumes.vol0.Depth: unknown key; did you mean scheduler.volumes.vol0.depth?")]
    [InlineData("scheduler.guests.\"a.b\".wieght = 4", "scheduler.guests.\"a.b\".wieght: unknown key; did you mean scheduler.guests.\"a.b\".weight?")]
    [InlineData("scheduler.volumes.vol0.faulty.eror = none", "scheduler.volumes.vol0.faulty.eror: unknown key; did you mean scheduler.volumes.vol0.faulty.error?")]
    [InlineData("scheduler.volume.vol0.depth = 4", "scheduler.volume: unknown key; did you mean scheduler.volumes?")]
    [InlineData("scheduler.credits = 4", "scheduler.credits: unknown key; did you mean scheduler.nbd.credits?")]
    [InlineData("scheduler.volumes.vol0.weight = 4", "scheduler.volumes.vol0.weight: unknown key; did you mean scheduler.guests.<name>.weight?")]
    [InlineData("scheduler.xyzzy = 4", "scheduler.xyzzy: unknown key")]
    [InlineData("schedular { }", "schedular: unknown key; did you mean scheduler?")]
    [InlineData("unused = 1", "unused: unknown key")]
    [InlineData("scheduler = 1", "scheduler: is a section; write scheduler { key = value }")]
    [InlineData("scheduler.nbd = null", "scheduler.nbd: is a section; write nbd { key = value }")]
    [InlineData("scheduler.volumes.vol0 = big", "scheduler.volumes.vol0: is a section; write vol0 { key = value }")]
    [InlineData("scheduler.nbd.listen = \"unix:x\"", "scheduler.nbd.listen: is a list of texts; write listen = [\"first\", \"second\"]")]
    [InlineData("scheduler.nbd.listen = [[x]]", "scheduler.nbd.listen: is a list of texts; write listen = [\"first\", \"second\"]")]
    [InlineData("scheduler.nbd.listen = [null]", "scheduler.nbd.listen: is a list of texts; write listen = [\"first\", \"second\"]")]
    [InlineData("scheduler.nbd.credits { }", "scheduler.nbd.credits: is a single value; write credits = value")]
    [InlineData("scheduler.nbd.credits = [1]", "scheduler.nbd.credits: is a single value; write credits = value")]
    public void A_key_that_the_reference_lacks_is_refused(string line, string error)
    {
        Assert.Equal($"x.conf:15: {error}", ConfigFile.ErrorOf($"{ConfigFile.Valid}\n{line}"));
        _ = Assert.Single(ConfigFile.MistakesOf($"{ConfigFile.Valid}\n{line}"));
    }

    [Fact]
    public void A_key_of_a_very_long_name_is_refused_in_one_line() =>
        Assert.InRange(ConfigFile.ErrorOf($"scheduler.{new string('x', 500_000)} = 1").Length, 50, 410);
}

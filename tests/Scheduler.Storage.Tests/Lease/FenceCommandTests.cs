using System.Diagnostics;
using System.Globalization;
using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Lease;

/// <summary>Real processes.</summary>
public sealed class FenceCommandTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly LeaseOwner s_owner = new("node1", 4711, 88123, Guid.Parse("1f0d1d5e-3c1b-4c3e-9d40-0b6cbb1ff0a6"));
    private readonly TemporaryDirectory _directory = new();

    /// <summary>Ends a process of this machine by its recorded id, unless that is another's by now, and waits for its end.</summary>
    public static IReadOnlyList<string> KillHere { get; } = Script(
        """
        [ "$5" = "$(cat /proc/sys/kernel/random/boot_id)" ] || exit 0
        alive() { stat=$(cat "/proc/$3/stat" 2>/dev/null) || return 1; set -- "$4" ${stat##*)}; [ "${21}" = "$1" ]; }
        alive "$@" || exit 0
        kill -9 "$3"
        while alive "$@"; do sleep 0.02; done
        """);

    public static string[] Script(string text) => ["/bin/sh", "-c", text, "fence"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_program_is_told_the_volume_and_the_old_owner_behind_its_own_arguments()
    {
        FenceCommand fence = new(["/bin/sh", "-c", "printf '%s|' \"$@\"", "fence", "own argument"], s_patience);
        Assert.Equal(
            new FenceAnswer(true, "/bin/sh ended with 0: own argument|vol|node1|4711|88123|1f0d1d5e-3c1b-4c3e-9d40-0b6cbb1ff0a6|"),
            await fence.ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), CancellationToken.None));
    }

    [Fact]
    public async Task What_fails_is_told_with_its_code_and_its_last_line()
    {
        FenceCommand fence = new(Script("echo out; echo first >&2; printf 'no way\\tto node1\\n\\n' >&2; exit 3"), s_patience);
        Assert.Equal(new FenceAnswer(false, "/bin/sh ended with 3: no way to node1"), await fence.ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), CancellationToken.None));
        fence = new FenceCommand(Script("kill -9 $$"), s_patience);
        Assert.Equal(new FenceAnswer(false, "/bin/sh ended with 137"), await fence.ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), CancellationToken.None));
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_told()
    {
        FenceAnswer answer = await new FenceCommand(["/nowhere/fence"], s_patience).ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), CancellationToken.None);
        Assert.False(answer.Excluded);
        Assert.StartsWith("/nowhere/fence ended with 127: ", answer.Text, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new FenceCommand([], s_patience));
    }

    [Fact]
    public async Task However_much_it_says_its_last_line_is_told_and_no_more()
    {
        FenceCommand fence = new(Script("head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; head -c 3000000 /dev/zero; echo y >&2; exit 1"), s_patience);
        string text = (await fence.ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), CancellationToken.None)).Text;
        Assert.InRange(text.Length, 400, 600);
        Assert.EndsWith("xxy", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_over_when_the_old_owner_is()
    {
        // It goes on for a while after it was asked to end, as I/O in flight does.
        using Process old = Process.Start("/bin/sh", ["-c", "trap 'sleep 0.3; exit' TERM; while :; do sleep 0.02; done"]);
        FenceCommand fence = new(Script("kill \"$3\"; while kill -0 \"$3\" 2>/dev/null; do sleep 0.02; done"), s_patience);
        Assert.True((await fence.ExcludeAsync("vol", new FormerOwner(s_owner with { ProcessId = old.Id }, HasLeft: false), CancellationToken.None)).Excluded);
        Assert.False(IsAlive(old.Id));
        await old.WaitForExitAsync().WaitAsync(s_patience);
    }

    [Fact]
    public async Task A_process_that_has_the_old_owners_number_only_is_let_be()
    {
        using Process other = Process.Start("/bin/sleep", ["1000"]);
        LeaseOwner here = LeaseOwner.ThisProcess("node1");
        FenceCommand fence = new(KillHere, s_patience);
        try
        {
            foreach (LeaseOwner old in new[] { here with { ProcessId = other.Id }, s_owner with { ProcessId = other.Id, Started = StartOf(other.Id) } })
                Assert.True((await fence.ExcludeAsync("vol", new FormerOwner(old, HasLeft: false), CancellationToken.None)).Excluded);
            Assert.True(IsAlive(other.Id));
            Assert.True((await fence.ExcludeAsync("vol", new FormerOwner(here with { ProcessId = other.Id, Started = StartOf(other.Id) }, HasLeft: false), CancellationToken.None)).Excluded);
            Assert.False(IsAlive(other.Id));
        }
        finally
        {
            other.Kill();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_hangs_is_killed_with_all_that_it_started(bool cancelled)
    {
        using CancellationTokenSource cancellation = new();
        string pids = _directory.File("pids");
        FenceCommand fence = new(
            Script($"trap '' TERM; sleep 1000 & echo $! >{pids}.new; echo $$ >>{pids}.new; mv {pids}.new {pids}; echo waiting >&2; wait"),
            cancelled ? s_patience : TimeSpan.FromSeconds(1));
        Task<FenceAnswer> fencing = fence.ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), cancellation.Token);
        await Eventually(() => File.Exists(pids) || fencing.IsCompleted);
        if (cancelled)
        {
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fencing);
        }
        else
        {
            Assert.Equal(new FenceAnswer(false, "/bin/sh was killed after 1 s: waiting"), await fencing);
        }

        string[] lines = await File.ReadAllLinesAsync(pids);
        Assert.Equal(2, lines.Length);
        foreach (string line in lines)
            await Eventually(() => !IsAlive(int.Parse(line, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task What_a_program_leaves_behind_does_not_go_on_beside_the_next_attempt()
    {
        FenceCommand fence = new(Script("sleep 1000 & echo $!"), s_patience);
        FenceAnswer answer = await fence.ExcludeAsync("vol", new FormerOwner(s_owner, HasLeft: false), CancellationToken.None).WaitAsync(s_patience);
        Assert.True(answer.Excluded);
        int left = int.Parse(answer.Text[(answer.Text.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        await Eventually(() => !IsAlive(left));
    }

    /// <summary>Field 22 of proc(5)'s stat.</summary>
    public static long StartOf(int process)
    {
        string status = File.ReadAllText($"/proc/{process}/stat");
        return long.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
    }

    // A zombie does nothing more, whether or not somebody waits for it.
    private static bool IsAlive(int process)
    {
        try
        {
            string status = File.ReadAllText($"/proc/{process}/stat");
            return status[status.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task Eventually(Func<bool> condition)
    {
        for (long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds; !condition();)
        {
            Assert.True(Environment.TickCount64 < end, "it did not come");
            await Task.Delay(10);
        }
    }
}

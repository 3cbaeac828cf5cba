using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using Scheduler.Host.Api;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler top [--sort COLUMN] [--interval TIME] [--once] [--json]</c></summary>
internal static class TopCommand
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        AdminOptions admin = new();
        string[] columns = [.. TopColumn.All.Select(column => column.Name)];
        Option<string> sort = new("--sort")
        {
            Description = $"Sorts guests by a column: {string.Join(", ", columns)}",
            HelpName = "COLUMN",
            DefaultValueFactory = _ => TopColumn.Default.Name,
        };
        sort.CompletionSources.Add(columns);
        sort.Validators.Add(result =>
        {
            if (!result.Implicit && !columns.Contains(result.Tokens[0].Value))
                result.AddError($"--sort: '{result.Tokens[0].Value}' is not one of {string.Join(", ", columns)}");
        });
        Option<TimeSpan?> interval = DurationOption.Create(
            "--interval", "Time between two pictures. Default: 1s", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Option<bool> once = new("--once") { Description = "Prints one picture after one interval, and ends" };
        Option<bool> json = new("--json") { Description = "Prints a line of JSON for each interval" };
        Command command = admin.AddTo(new Command(
            "top",
            "Shows what each guest and volume of a running service does, all the time: at a terminal until q is pressed, elsewhere as text.")
        {
            sort,
            interval,
            once,
            json,
        });
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            TopView view = new();
            view.SortBy(parsed.GetValue(sort)!);
            TextWriter output = parsed.InvocationConfiguration.Output;
            TimeSpan time = parsed.GetValue(interval) ?? s_interval;
            try
            {
                Sampler sampler = new(client, await client.StatsAsync(cancellation));
                if (parsed.GetValue(once) || parsed.GetValue(json) || !Terminal.On(output).Profile.Out.IsTerminal || OperatingSystem.IsWindows())
                    await PrintAsync(sampler, view, time, parsed.GetValue(once), parsed.GetValue(json), output, cancellation);
                else
                    await ShowAsync(sampler, view, time, admin.Address(parsed), output, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // Ctrl-C is how one leaves.
            }
        }));
        return command;
    }

    private static async Task PrintAsync(
        Sampler sampler, TopView view, TimeSpan interval, bool once, bool json, TextWriter output, CancellationToken cancellation)
    {
        do
        {
            await Task.Delay(interval, cancellation);
            TopRates rates = await sampler.NextAsync(cancellation);
            string text = json
                ? JsonSerializer.Serialize(rates, TopJson.Default.TopRates)
                : string.Join('\n', view.Lines(rates, int.MaxValue).Select(line => line.TrimStart(TopView.HeadingMark))) + (once ? "" : "\n");
            await output.WriteLineAsync(text);
            await output.FlushAsync(cancellation);
        }
        while (!once);
    }

    [UnsupportedOSPlatform("windows")]
    private static async Task ShowAsync(
        Sampler sampler, TopView view, TimeSpan interval, string address, TextWriter output, CancellationToken cancellation)
    {
        using TopScreen screen = new(output);
        TopRates? rates = null;
        string? problem = null;
        long next = Stopwatch.GetTimestamp();
        while (true)
        {
            screen.Draw(Picture());
            next += (long)(interval.TotalSeconds * Stopwatch.Frequency);
            while (await WaitAsync(screen, next, cancellation))
            {
                if (screen.Keys.TryRead(out ConsoleKeyInfo? pressed) && pressed is { } key && !Obey(key, view))
                    return;
                screen.Draw(Picture());
            }

            // A service that is started again is shown again.
            try
            {
                (rates, problem) = (await sampler.NextAsync(cancellation), null);
            }
            catch (AdminException e)
            {
                problem = Terminal.Printable(e.Message);
            }

            next = Math.Max(next, Stopwatch.GetTimestamp() - (long)(interval.TotalSeconds * Stopwatch.Frequency));
        }

        IEnumerable<string> Picture()
        {
            string at = rates?.At.ToString("yyyy-MM-dd HH:mm:ssZ", CultureInfo.InvariantCulture) ?? "";
            yield return problem ?? $"scheduler top  {address}  {at}";
            yield return "q: quit   < >: sort by another column   r: the other way round";
            yield return "";
            foreach (string line in rates is null ? ["the first figures come after one interval"] : view.Lines(rates, Math.Max(1, TopScreen.Height - 3)))
                yield return line;
        }
    }

    // Waits for a key, or for the picture to be drawn again; false when it is time for the next one.
    [UnsupportedOSPlatform("windows")]
    private static async Task<bool> WaitAsync(TopScreen screen, long until, CancellationToken cancellation)
    {
        TimeSpan time = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), until);
        if (time <= TimeSpan.Zero)
            return false;
        using CancellationTokenSource tick = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        tick.CancelAfter(time);
        try
        {
            return await screen.Keys.WaitToReadAsync(tick.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    // False: it is over.
    private static bool Obey(ConsoleKeyInfo key, TopView view)
    {
        switch (key)
        {
            case { KeyChar: 'q' or 'Q' }:
                return false;
            case { KeyChar: '<' } or { Key: ConsoleKey.LeftArrow }:
                view.Move(-1);
                break;
            case { KeyChar: '>' } or { Key: ConsoleKey.RightArrow }:
                view.Move(1);
                break;
            case { KeyChar: 'r' or 'R' }:
                view.Reverse();
                break;
        }

        return true;
    }

    // What happened since it was last asked.
    private sealed class Sampler(AdminClient client, Stats first)
    {
        private Stats _last = first;
        private long _lastAt = Stopwatch.GetTimestamp();

        public async Task<TopRates> NextAsync(CancellationToken cancellation)
        {
            Stats now = await client.StatsAsync(cancellation);
            TopRates rates = TopRates.Between(_last, now, Stopwatch.GetElapsedTime(_lastAt));
            (_last, _lastAt) = (now, Stopwatch.GetTimestamp());
            return rates;
        }
    }
}

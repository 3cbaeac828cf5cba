using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Scheduler.Host.Configuration;
using Scheduler.Host.Load;
using Scheduler.Xen.Blkif;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler load ADDRESS --disk NAME...</c></summary>
internal static class LoadCommand
{
    /// <summary>Exit code when a request failed, or nothing could be measured.</summary>
    public const int ExitFailed = 1;

    private const int BarWidth = 24;

    private static readonly TimeSpan s_barEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_lineEvery = TimeSpan.FromSeconds(5);

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        Argument<string> address = new("ADDRESS") { Description = "Where the service listens: blkif:PATH for rings in shared memory, nbd://HOST[:PORT], or nbd+unix:PATH" };
        address.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && LoadRun.Parse(text) is null)
                result.AddError($"ADDRESS: '{text}' is not blkif:PATH, nbd://HOST[:PORT] with a number as host, or nbd+unix:PATH");
        });
        Option<string[]> disk = new("--disk") { Description = "A disk; give it again for more. What writes change on them is lost", HelpName = "NAME", Required = true };
        Option<int?> guests = Number("--guests", "Connections, dealt out to the disks in turn, 1 to 1024. Default: one for each disk", 1, 1024);
        Option<string> operations = new Option<string>("--operations")
        {
            Description = "What they ask for, at places that are drawn; mixed: seven reads to three writes",
            HelpName = KebabName.List<LoadMix>(),
            DefaultValueFactory = _ => KebabName.Of(LoadMix.Read),
        }.AcceptOnlyFromAmong(KebabName.All<LoadMix>());
        Option<int?> depth = Number("--depth", "Requests that each keeps under way, 1 to 512. Default: 32", 1, BlkifAbi.Entries(BlkifAbi.RingOrderMax));
        Option<long> block = new("--block")
        {
            Description = "Bytes of each, a multiple of 4096 up to 1MiB",
            HelpName = "SIZE",
            DefaultValueFactory = _ => BlkifAbi.PageBytes,
            CustomParser = argument =>
            {
                string text = argument.Tokens[0].Value;
                if (!ByteSize.TryParse(text, out long bytes, out string? problem))
                    argument.AddError($"--block: {problem}");
                else if (bytes < BlkifAbi.PageBytes || bytes > BlkifAbi.TransferBytesMax || bytes % BlkifAbi.PageBytes != 0)
                    argument.AddError($"--block: '{text}' is not a multiple of {BlkifAbi.PageBytes} up to 1MiB");
                return bytes;
            },
        };
        Option<int?> barriers = Number("--barriers", "Each N-th write of a guest is a barrier; rings only. Default: none", 1, 1_000_000);
        Option<int?> flushes = Number("--flushes", "After each N writes a guest flushes. Default: never", 1, 1_000_000);
        Option<TimeSpan?> duration = DurationOption.Create("--duration", "How long. Default: 10s", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(24));
        Option<int?> pid = Number("--pid", "The service's process, for its processor time. Default: who listens, if that is a Unix socket", 1, int.MaxValue);
        Option<bool> json = new("--json") { Description = "Prints the result as JSON" };
        Command command = new("load", "Reads from and writes to the disks of a running service as guests do, and measures it.")
        {
            address,
            disk,
            guests,
            operations,
            depth,
            block,
            barriers,
            flushes,
            duration,
            pid,
            json,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            new LoadSpec
            {
                Address = parsed.GetValue(address)!,
                Disks = parsed.GetValue(disk)!,
                Guests = parsed.GetValue(guests) ?? parsed.GetValue(disk)!.Length,
                Operations = KebabName.Parse<LoadMix>(parsed.GetValue(operations)!),
                BlockBytes = (int)parsed.GetValue(block),
                Depth = parsed.GetValue(depth) ?? 32,
                BarrierEvery = parsed.GetValue(barriers) ?? 0,
                FlushEvery = parsed.GetValue(flushes) ?? 0,
                Duration = parsed.GetValue(duration) ?? TimeSpan.FromSeconds(10),
            },
            parsed.GetValue(pid),
            parsed.GetValue(json),
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error,
            cancellation));
        return command;
    }

    private static Option<int?> Number(string name, string description, int low, int high) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < low || number > high)
                argument.AddError($"{name}: '{text}' is not a whole number from {low} to {high}");
            return number;
        },
    };

    private static async Task<int> RunAsync(LoadSpec spec, int? pid, bool json, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        try
        {
            using LoadRun load = await Task.Run(() => new LoadRun(spec), CancellationToken.None);
            Task<LoadResult> run = Task.Run(() => load.Run(pid, cancellation), CancellationToken.None);
            await ShowProgressAsync(load, spec, run, error);
            LoadResult result = await run;
            if (json)
                await output.WriteLineAsync(JsonSerializer.Serialize(result, LoadJson.Default.LoadResult));
            else
                Write(result, output);
            if (result.Errors > 0)
                await error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{result.Errors} requests failed"));
            return result.Errors > 0 ? ExitFailed : 0;
        }
        catch (LoadException e)
        {
            await error.WriteLineAsync(Terminal.Printable(e.Message));
            return ExitFailed;
        }
    }

    private static async Task ShowProgressAsync(LoadRun load, LoadSpec spec, Task run, TextWriter error)
    {
        IAnsiConsole console = Terminal.On(error);
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        if (!console.Profile.Out.IsTerminal)
        {
            while (await Task.WhenAny(run, Task.Delay(s_lineEvery, CancellationToken.None)) != run)
                await error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Elapsed():F0} of {spec.Duration.TotalSeconds:F0} s, {load.Answered:N0} requests"));
            return;
        }

        await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = BarWidth }, new PercentageColumn())
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask("load", maxValue: spec.Duration.TotalSeconds);
                while (await Task.WhenAny(run, Task.Delay(s_barEvery, CancellationToken.None)) != run)
                {
                    bar.Value = Elapsed();
                    bar.Description = string.Create(CultureInfo.InvariantCulture, $"{load.Answered:N0} requests");
                }
            });

        double Elapsed() => System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static void Write(LoadResult result, TextWriter output)
    {
        IAnsiConsole console = Terminal.ForTables(output);
        Table table = Terminal.Table(console, "", "requests", "per second", "MB/s", "p50 us", "p99 us");
        Row("all, flushes apart", result.All);
        foreach ((string operation, LoadFigures figures) in result.Operations)
            Row(operation, figures);
        if (result.Guests.Count > 1)
        {
            foreach (LoadGuestFigures guest in result.Guests)
                Row($"guest of {guest.Disk}", guest.Figures);
        }

        console.Write(table);
        if (result.ServiceCpuSecondsPerMillion is { } cpu)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the service's processor time: {cpu:F1} s for a million requests"));

        void Row(string name, LoadFigures figures) => Terminal.AddRow(
            table,
            name,
            figures.Requests.ToString("N0", CultureInfo.InvariantCulture),
            figures.PerSecond.ToString("N0", CultureInfo.InvariantCulture),
            (figures.BytesPerSecond / 1e6).ToString("F1", CultureInfo.InvariantCulture),
            Microseconds(figures.P50Seconds),
            Microseconds(figures.P99Seconds));
    }

    private static string Microseconds(double? seconds) => seconds is { } known ? (known * 1e6).ToString("N0", CultureInfo.InvariantCulture) : MetricText.None;
}

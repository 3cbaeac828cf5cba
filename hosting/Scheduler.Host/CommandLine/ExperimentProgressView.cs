using System.Globalization;
using Scheduler.Simulation;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary>Runs an experiment and shows how far it has come: a bar at a terminal, a line now and then elsewhere.</summary>
internal static class ExperimentProgressView
{
    private const int BarWidth = 24;

    private static readonly TimeSpan s_barEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_lineEvery = TimeSpan.FromSeconds(5);

    /// <summary>Runs it.</summary>
    /// <param name="spec">The experiment.</param>
    /// <param name="error">Where progress goes: standard error.</param>
    /// <param name="cancellation">Cuts it short.</param>
    /// <returns>What came out.</returns>
    public static async Task<ExperimentReport> RunAsync(ExperimentSpec spec, TextWriter error, CancellationToken cancellation)
    {
        Latest latest = new();
        Task<ExperimentReport> run = Task.Run(() => Experiment.Run(spec, latest, cancellation), CancellationToken.None);
        IAnsiConsole console = Terminal.On(error);
        if (console.Profile.Out.IsTerminal)
            await ShowBarAsync(console, spec.Name, latest, run);
        else
            await WriteLinesAsync(error, latest, run);
        return await run;
    }

    private static Task ShowBarAsync(IAnsiConsole console, string name, Latest latest, Task run) => console.Progress()
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = BarWidth }, new PercentageColumn())
        .StartAsync(async context =>
        {
            ProgressTask bar = context.AddTask(Markup.Escape(name));
            while (await Task.WhenAny(run, Task.Delay(s_barEvery, CancellationToken.None)) != run)
            {
                if (latest.Progress is not { } progress)
                    continue;
                bar.MaxValue = progress.Runs;
                bar.Value = progress.RunsDone;
                bar.Description = Markup.Escape(string.Create(CultureInfo.InvariantCulture, $"{name}: {progress.Requests:N0} requests"));
            }
        });

    private static async Task WriteLinesAsync(TextWriter error, Latest latest, Task run)
    {
        while (await Task.WhenAny(run, Task.Delay(s_lineEvery, CancellationToken.None)) != run)
        {
            if (latest.Progress is { } progress)
                await error.WriteLineAsync(TextOf(progress));
        }
    }

    private static string TextOf(ExperimentProgress progress) => string.Create(
        CultureInfo.InvariantCulture,
        $"{progress.RunsDone} of {progress.Runs} runs, {progress.Requests:N0} requests, {progress.RequestsPerCpuSecond:N0} a second of CPU time on a core");

    /// <summary>Keeps the latest of what it hears, from whatever thread.</summary>
    private sealed class Latest : IProgress<ExperimentProgress>
    {
        private volatile ExperimentProgress? _progress;

        public ExperimentProgress? Progress => _progress;

        public void Report(ExperimentProgress value) => _progress = value;
    }
}

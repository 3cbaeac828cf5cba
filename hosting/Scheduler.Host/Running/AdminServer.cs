using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Scheduler.Host.Api;
using Scheduler.Host.Configuration;
using Scheduler.Host.Telemetry;
using Scheduler.Nbd.Server;

namespace Scheduler.Host.Running;

/// <summary>The admin address: health, readiness, metrics and the operators' API over HTTP.</summary>
internal static class AdminServer
{
    /// <summary>Starts listening.</summary>
    /// <param name="settings">Checked configuration.</param>
    /// <param name="service">What is reported on.</param>
    /// <param name="metrics">Renders the metrics.</param>
    /// <param name="logging">Configures logging.</param>
    /// <returns>The server; the caller stops and disposes it.</returns>
    /// <exception cref="IOException">The address can't be bound.</exception>
    public static async Task<WebApplication> StartAsync(
        ServiceSettings settings, Service service, PrometheusExporter metrics, Action<ILoggingBuilder> logging)
    {
        // Empty: a fuller builder reads settings from the working directory and the environment, which are not for this
        // server, and watches that directory from then on: every write to a volume in it would be an event.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        logging(builder.Logging);
        _ = builder.Services.AddRoutingCore();
        _ = builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, settings.AdminListen));

        // The process has its own handling of signals.
        _ = builder.Services.AddSingleton<IHostLifetime, NoLifetime>();

        AdminApi.AddServices(builder.Services);

        WebApplication app = builder.Build();
        AdminApi.Map(app, settings, service);
        app.MapGet("/healthz", () => Results.Text("ok\n"));
        app.MapGet("/readyz", () =>
        {
            IReadOnlyList<string> problems = service.Problems();
            return problems.Count == 0
                ? Results.Text("ready\n")
                : Results.Text(string.Concat(problems.Select(problem => problem + "\n")), statusCode: StatusCodes.Status503ServiceUnavailable);
        });
        app.MapGet("/metrics", async context =>
        {
            context.Response.ContentType = PrometheusExporter.ContentType;
            if (!metrics.TryScrape(context.Response.BodyWriter))
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            _ = await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        });
        await app.StartAsync();
        return app;
    }

    /// <summary>Where it listens, as a URL.</summary>
    /// <param name="app">The server.</param>
    /// <returns>The URL.</returns>
    public static string UrlOf(WebApplication app) => app.Urls.First();

    private static void Listen(KestrelServerOptions kestrel, ListenEndpoint endpoint)
    {
        kestrel.AddServerHeader = false;
        switch (endpoint)
        {
            case TcpListenEndpoint tcp:
                kestrel.Listen(new IPEndPoint(tcp.Address, tcp.Port));
                break;
            case UnixListenEndpoint unix:
                UnixSocketFile.Prepare(unix.Path);
                kestrel.ListenUnixSocket(unix.Path);
                break;
            default:
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"endpoint {endpoint} is of no known kind"), nameof(endpoint));
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
